#include <cstdio>
#include <cstdlib>
template <class T> T larger(T a, T b) { if (a > b) return a;
    return b; }
static int classify(int n)
{
    switch (n) {
    case 1: return 7;
    case 2: return n && n > 1 ? 8 : 9;
    default: break;
    }
    for (int i = 0; i < n; i++)
        if (i % 2 || n == 5)
            n--;
    return n;
}
int unused(int x) { return x ? 3 : 4; }
int main(int argc, char **argv)
{
    int sum = 0;
    for (int i = 0; i < 6; i++)
        sum += classify(i) + larger(i, 3) + larger<long>(2, i);
    return sum == 99;
}
