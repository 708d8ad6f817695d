dnl RL_DEMANGLER
dnl Sets DEMANGLER_CPPFLAGS and DEMANGLER_LIBS where the runtime library of GCC's C++ is there and
dnl --without-demangler was not given. What is needed of it comes from its static part where there is
dnl one, so that the program depends on nothing more.
AC_DEFUN([RL_DEMANGLER], [
    AC_ARG_WITH([demangler], [AS_HELP_STRING([--without-demangler],
        [build without the runtime of C++: its names stay mangled in reports])], [],
        [with_demangler=yes])
    DEMANGLER_CPPFLAGS=
    DEMANGLER_LIBS=
    AS_IF([test "$with_demangler" != no],
        [RL_LIB([DEMANGLER_LIBS], [stdlib.h], [], [__gcclibcxx_demangle_callback],
            [supc++ stdc++],
            [RL_MISSING([optional], [the runtime library of g++ (readable names of C++ in reports)],
                [cxx])])
         AS_IF([test "$rl_found" = yes && test "$rl_have_cc" = yes],
             [DEMANGLER_CPPFLAGS=-DROWLOCK_DEMANGLER])])
    AC_SUBST([DEMANGLER_CPPFLAGS])
])
