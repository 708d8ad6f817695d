dnl RL_PROG_GNU_MAKE
dnl Sets GNU_MAKE to the first of $MAKE, make and gmake that is GNU Make 4.0 or newer.
AC_DEFUN([RL_PROG_GNU_MAKE], [
    AC_MSG_CHECKING([for GNU Make 4.0 or newer])
    GNU_MAKE=
    for rl_make in "$MAKE" make gmake; do
        AS_IF([test -z "$rl_make"], [continue])
        AS_CASE([`$rl_make --version 2>/dev/null | sed 1q`],
            ["GNU Make "@<:@4-9@:>@.*|"GNU Make "@<:@1-9@:>@@<:@0-9@:>@*],
            [GNU_MAKE=$rl_make; break])
    done
    AC_MSG_RESULT([${GNU_MAKE:-no}])
    AC_SUBST([GNU_MAKE])
    AS_IF([test -z "$GNU_MAKE"],
        [RL_MISSING([required], [GNU Make 4.0 or newer], [make])])
])
dnl
dnl RL_PROG_PYTHON
dnl Sets PYTHON to the first interpreter that has Python 3.8 and pytest 7 or newer, out of
dnl --with-python, that of the active virtual environment, python3 on PATH, that of the pytest
dnl on PATH, /usr/bin/python3. Without pytest anywhere, to the first that is new enough.
dnl An interpreter that was asked for with --with-python is not replaced by another.
AC_DEFUN([RL_PROG_PYTHON], [
    AC_ARG_WITH([python], [AS_HELP_STRING([--with-python=EXE],
        [the Python interpreter for pytest suites and the tests])], [], [with_python=])
    AS_CASE([$with_python], [yes|no], [with_python=])
    AC_MSG_CHECKING([for Python 3.8 or newer with pytest 7 or newer])
    PYTHON=
    rl_python_bare=
    rl_pytest=`command -v pytest 2>/dev/null`
    AS_IF([test -n "$rl_pytest"],
        [rl_pytest=`LC_ALL=C sed -n '1s/^#! *\(@<:@^ @:>@*python@<:@^ @:>@*\).*/\1/p;1q' "$rl_pytest"`])
    set dummy "$with_python"
    AS_IF([test -z "$with_python"],
        [set dummy "${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python}" python3 "$rl_pytest" \
            /usr/bin/python3])
    shift
    for rl_python
    do
        AS_IF([test -z "$rl_python"], [continue])
        # Prints the interpreter's own path and whether it has pytest.
        rl_answer=`"$rl_python" -c ['
import sys
if sys.version_info < (3, 8):
    sys.exit(1)
try:
    import pytest
    good = int(pytest.__version__.split(".")[0]) >= 7
except ImportError:
    good = False
print("yes" if good else "no", sys.executable)'] 2>/dev/null`
        AS_CASE([$rl_answer],
            ["yes "*], [PYTHON=`AS_ECHO(["$rl_answer"]) | sed 's/^yes //'`; break],
            ["no "*], [AS_IF([test -z "$rl_python_bare"],
                [rl_python_bare=`AS_ECHO(["$rl_answer"]) | sed 's/^no //'`])])
    done
    AC_MSG_RESULT([${PYTHON:-no}])
    AS_IF([test -z "$PYTHON"],
        [AS_IF([test -n "$rl_python_bare"],
            [PYTHON=$rl_python_bare
             RL_MISSING([optional], [pytest 7 or newer for $PYTHON (pytest suites, make check)],
                [pytest])],
            [PYTHON=python3
             RL_MISSING([optional],
                [Python 3.8 or newer with pytest 7 or newer (pytest suites, make check)],
                [python pytest])])])
    AC_SUBST([PYTHON])
])
