dnl RL_EXPAT
dnl Sets EXPAT_CPPFLAGS and EXPAT_LIBS where expat is there and --without-expat was not given.
AC_DEFUN([RL_EXPAT], [
    AC_ARG_WITH([expat], [AS_HELP_STRING([--without-expat],
        [build without expat: collect reads no Cobertura XML])], [], [with_expat=yes])
    EXPAT_CPPFLAGS=
    EXPAT_LIBS=
    AS_IF([test "$with_expat" != no],
        [RL_LIB([EXPAT_LIBS], [expat.h], [], [XML_ParserCreate], [expat],
            [RL_MISSING([optional], [expat (expat.h; reading Cobertura XML)], [expat])])
         AS_IF([test "$rl_found" = yes], [EXPAT_CPPFLAGS=-DROWLOCK_EXPAT])])
    AC_SUBST([EXPAT_CPPFLAGS])
])
