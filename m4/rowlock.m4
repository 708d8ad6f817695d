# rowlock.m4: for projects that run their tests with Rowlock.            serial 1
#
# ROWLOCK_CHECK([MINIMUM-VERSION], [ACTION-IF-FOUND], [ACTION-IF-NOT-FOUND])
#
# Looks for the program rowlock on PATH, or takes what the variable ROWLOCK (an argument of
# ./configure, too) or --with-rowlock=PROGRAM names, and asks for its version. Sets, and substitutes
# in output files:
#
#     ROWLOCK          the program, as an absolute path where it was found on PATH; empty: there is none
#     ROWLOCK_VERSION  its version
#
# --without-rowlock looks for nothing. If there is none, or it is older than MINIMUM-VERSION, and
# ACTION-IF-NOT-FOUND is empty, ./configure goes on with a warning, or ends where --with-rowlock was
# given; `[AC_MSG_ERROR([...])]` as that action makes Rowlock required.
AC_DEFUN([ROWLOCK_CHECK],
[AC_ARG_VAR([ROWLOCK], [the program rowlock, which runs tests in parallel])dnl
AC_ARG_WITH([rowlock],
	[AS_HELP_STRING([--with-rowlock=PROGRAM],
		[run the tests with Rowlock @<:@default: if it is found@:>@])],
	[], [with_rowlock=maybe])
ROWLOCK_VERSION=
rowlock_problem=
AS_CASE([$with_rowlock],
	[no], [ROWLOCK= rowlock_problem='it was switched off'],
	[yes|maybe], [],
	[ROWLOCK=$with_rowlock])
AS_IF([test "x$with_rowlock" != xno],
	[AC_PATH_PROG([ROWLOCK], [rowlock])
	AC_MSG_CHECKING([for the version of Rowlock])
	AS_IF([test "x$ROWLOCK" = x],
		[rowlock_problem='there is no rowlock on PATH; install it or give ROWLOCK=PROGRAM'],
		[ROWLOCK_VERSION=`"$ROWLOCK" --version 2>/dev/null | sed -n 's/^rowlock \([[0-9]][[0-9.]]*\).*/\1/p'`
		AS_IF([test "x$ROWLOCK_VERSION" = x],
			[rowlock_problem="$ROWLOCK --version does not answer as Rowlock does"])])
	m4_ifval([$1],
		[AS_IF([test "x$ROWLOCK_VERSION" != x],
			[AS_VERSION_COMPARE([$ROWLOCK_VERSION], [$1],
				[rowlock_problem="$ROWLOCK is version $ROWLOCK_VERSION, and $1 or newer is needed"])])])
	AC_MSG_RESULT([${ROWLOCK_VERSION:-none}])])
AC_SUBST([ROWLOCK_VERSION])dnl
AS_IF([test "x$rowlock_problem" = x],
	[m4_default([$2], [:])],
	[ROWLOCK= ROWLOCK_VERSION=
	m4_ifval([$3], [$3],
		[AS_CASE([$with_rowlock],
			[no], [],
			[maybe], [AC_MSG_WARN([tests run without Rowlock: $rowlock_problem])],
			[AC_MSG_ERROR([--with-rowlock was given, but $rowlock_problem])])])])
])
