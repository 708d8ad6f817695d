/* rowlock-exec: what every recipe of tests.mk calls. */
#include "run/execmain.h"

int main(int argc, char **argv)
{
    return exec_main(argc, argv);
}
