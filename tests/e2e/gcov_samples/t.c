#include <setjmp.h>
static jmp_buf place;
static volatile int sink;
static int classify(int a, int b)
{
    switch (a) {
    case 1: sink++; /* on */
    case 2: return b && a > 1 ? 7 : 8;
    case 9: longjmp(place, a);
    default: break;
    }
    for (int i = 0; i < a; i++) if (i % 2 || b) { sink += i; } else sink--;
again: if (sink > 50) { sink -= 20; goto again; }
    return a || b;
}
int unused(void) { return 3; }
int main(void)
{
    volatile int n = 0;
    if (setjmp(place)) return n > 20;
    while (n < 12) {
        sink += classify(n, n % 3);
        n++; }
    return 1;
}
