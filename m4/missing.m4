dnl RL_MISSING(required|optional, WHAT, THING...)
dnl Remembers one line about something that is missing and the packages that have it: things are
dnl names in packages.txt. RL_REPORT_MISSING prints all lines at once.
AC_DEFUN([RL_MISSING], [
    AS_VAR_APPEND([rl_missing_$1], ["
  $2: `RL_PACKAGES([$3])`"])
])
dnl
dnl RL_PACKAGES(THING...)
dnl A command that prints "apt-get install ... (dnf: ...; apk: ...)".
m4_define([RL_PACKAGES], [awk -v things="$1" -f "$srcdir/m4/packages.awk" "$srcdir/m4/packages.txt"])
dnl
dnl RL_REPORT_MISSING
dnl Prints what RL_MISSING gathered; ends configure if something required is among it.
AC_DEFUN([RL_REPORT_MISSING], [
    AS_IF([test -n "$rl_missing_optional"],
        [AC_MSG_WARN([missing, but only a part of Rowlock needs it:$rl_missing_optional])])
    AS_IF([test -n "$rl_missing_required"],
        [AC_MSG_ERROR([missing:$rl_missing_required
Install what is named above, or let ./bootstrap do it, and run configure again.])])
])
