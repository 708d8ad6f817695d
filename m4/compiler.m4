dnl RL_LOOK_FOR_CC
dnl AC_PROG_CC ends configure at once when no compiler works; this looks first, so that the
dnl missing compiler is reported together with everything else. Sets rl_have_cc to yes or no.
AC_DEFUN([RL_LOOK_FOR_CC], [
    AC_MSG_CHECKING([for a working C compiler])
    rl_have_cc=no
    echo 'int main(void) { return 0; }' >conftest.c
    for rl_cc in "$CC" gcc cc clang; do
        AS_IF([test -n "$rl_cc" && $rl_cc $CPPFLAGS $CFLAGS $LDFLAGS -o conftest conftest.c \
               >&AS_MESSAGE_LOG_FD 2>&1], [rl_have_cc=yes; break])
        # A compiler that was asked for by name is not replaced by another.
        AS_IF([test -n "$CC"], [break])
    done
    rm -f conftest conftest.c
    AC_MSG_RESULT([$rl_have_cc])
    AS_IF([test "$rl_have_cc" = no],
        [RL_MISSING([required], [a C compiler that can link programs], [cc libc])])
])
dnl
dnl RL_C11
dnl What the sources use of C11; AC_PROG_CC has put into CC the option that it takes, if any.
AC_DEFUN([RL_C11], [
    AC_MSG_CHECKING([whether $CC has C11 with atomics])
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <stdatomic.h>
            #include <stdint.h>
            _Static_assert(sizeof(_Atomic uint32_t) == 4, "an atomic is as large as its type");]],
            [[_Atomic uint32_t n = 0; atomic_fetch_add(&n, 1);]])],
        [AC_MSG_RESULT([yes])],
        [AC_MSG_RESULT([no])
         RL_MISSING([required], [C11 with stdatomic.h in $CC], [cc])])
])
dnl
dnl RL_FLAGS_IFWORKS(VARIABLE, FLAG...)
dnl Appends each flag that the compiler takes to VARIABLE.
AC_DEFUN([RL_FLAGS_IFWORKS], [
    for rl_flag in $2; do
        AC_MSG_CHECKING([whether $CC takes $rl_flag])
        rl_saved_cflags=$CFLAGS
        CFLAGS="$CFLAGS -Werror $rl_flag"
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
            [AC_MSG_RESULT([yes])
             AS_VAR_APPEND([$1], [" $rl_flag"])],
            [AC_MSG_RESULT([no])])
        CFLAGS=$rl_saved_cflags
    done
])
dnl
dnl RL_LINK_IFWORKS(WHAT, FLAGS, IF-YES, IF-NO)
dnl Can a program be compiled and linked with the flags?
AC_DEFUN([RL_LINK_IFWORKS], [
    AC_MSG_CHECKING([whether $1 works])
    rl_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>
            #include <stdlib.h>]], [[printf("%s\n", getenv("HOME"));]])],
        [AC_MSG_RESULT([yes])
         CFLAGS=$rl_saved_cflags
         $3],
        [AC_MSG_RESULT([no])
         CFLAGS=$rl_saved_cflags
         $4])
])
