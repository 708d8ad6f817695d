dnl RL_LIB(VARIABLE, HEADER, WHAT-THE-HEADER-NEEDS, FUNCTION, LIBRARY, IF-MISSING)
dnl Sets VARIABLE to what links the library. Without a working compiler all that can be said is
dnl whether the header lies in one of the usual places.
AC_DEFUN([RL_LIB], [
    $1=
    rl_found=no
    AS_IF([test "$rl_have_cc" = yes],
        [rl_saved_libs=$LIBS
         LIBS=
         AC_CHECK_HEADER([$2], [AC_SEARCH_LIBS([$4], [$5], [rl_found=yes])], [],
             [/* needs: */ $3])
         $1=$LIBS
         LIBS=$rl_saved_libs],
        [for rl_folder in /usr/include /usr/local/include /opt/homebrew/include; do
             AS_IF([test -f "$rl_folder/$2"], [rl_found=yes])
         done])
    AS_IF([test "$rl_found" = no], [$6])
    AC_SUBST([$1])
])
