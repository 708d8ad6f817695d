/* rowlock-exec as a function, so that the tests can be the program too. */
#ifndef RUN_EXECMAIN_H
#define RUN_EXECMAIN_H

/* main of rowlock-exec. Returns the exit code; may exec rowlock. */
int exec_main(int argc, char **argv);

#endif
