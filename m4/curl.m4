dnl RL_CURL
dnl Sets CURL_CPPFLAGS where libcurl's headers are there and --without-curl was not given. The library
dnl itself is loaded when it is first used (src/history/http.c); DL_LIBS links what does that.
AC_DEFUN([RL_CURL], [
    AC_ARG_WITH([curl], [AS_HELP_STRING([--without-curl],
        [build without libcurl: no --history-url])], [], [with_curl=yes])
    CURL_CPPFLAGS=
    DL_LIBS=
    AS_IF([test "$with_curl" != no && test "$rl_have_cc" = yes], [
        rl_saved_libs=$LIBS
        LIBS=
        rl_found=no
        AC_CHECK_HEADER([curl/curl.h],
            [AC_SEARCH_LIBS([dlopen], [dl], [rl_found=yes])], [], [AC_INCLUDES_DEFAULT])
        DL_LIBS=$LIBS
        LIBS=$rl_saved_libs
        AS_IF([test "$rl_found" = yes], [CURL_CPPFLAGS=-DROWLOCK_CURL],
            [RL_MISSING([optional], [libcurl (curl/curl.h; --history-url)], [curl])])])
    AC_SUBST([CURL_CPPFLAGS])
    AC_SUBST([DL_LIBS])
])
