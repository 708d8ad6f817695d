static volatile int sink;
struct Base { int b = 1; };
struct Derived : virtual Base { Derived(int d) { b += d; } };
struct Last : Derived { Last() : Derived(2) {} };
struct Guard {
    int v;
    Guard(int x) : v(x) { if (x > 3) throw x; }
    ~Guard() { sink = sink + v; }
};
template <class T> T larger(T a, T b) { if (a > b) return a;
    return b; }
int main()
{
    auto twice = [&](int q) { return q > 2 ? q : -q; };
    for (int i = 0; i < 6; i++)
        try { Guard g(i); sink = sink + larger(i, 4) + larger<long>(2, i); } catch (int e) {
            sink = sink + e;
        }
    Derived d(twice(sink));
    return Last().b + d.b == 99;
}
