#!/bin/sh
# installcheck.sh ROWLOCK PYTHON VERSION: tests an installed rowlock from a folder of its own. Root lets
# nobody do it first, where nobody may read what was installed. What is staged below a DESTDIR is tested with
# that as PKG_CONFIG_SYSROOT_DIR.
set -eu
rowlock=$1
python=$2
version=$3

fail()
{
    echo "installcheck: $*" >&2
    exit 1
}

case $rowlock in
/*) ;;
*) rowlock=$(pwd)/$rowlock ;;
esac
folder=$(mktemp -d "${TMPDIR:-/tmp}/rowlock-installcheck.XXXXXX")
trap 'rm -rf "$folder"' EXIT
here=$0
case $here in
/*) ;;
*) here=$(pwd)/$here ;;
esac
cd "$folder"
unset MAKEFLAGS MAKELEVEL MFLAGS

as_nobody()
{
    setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$folder" "$@"
}

if [ "$(id -u)" = 0 ] && as_nobody "$rowlock" --version >/dev/null 2>&1; then
    # Nobody may have no access to the Python of root.
    for_nobody=$python
    as_nobody "$python" -c '' 2>/dev/null || for_nobody=/usr/bin/python3
    mkdir nobody
    cp "$here" nobody/installcheck.sh
    chown -R 65534:65534 nobody
    chmod 755 .
    (cd nobody && HOME=$folder/nobody && TMPDIR=$HOME && export TMPDIR &&
        as_nobody sh installcheck.sh "$rowlock" "$for_nobody" "$version") || exit
fi

"$rowlock" --version | grep -qF "$version" || fail "$rowlock --version does not say $version"

printf '#!/bin/sh\nexit 0\n' >good.sh
printf '#!/bin/sh\nexit 1\n' >bad.sh
chmod +x good.sh bad.sh
suites='{"name": "native", "format": "exec", "glob": "good.sh"}'
expected=1
if "$python" -c 'import pytest' 2>/dev/null; then
    mkdir tests
    printf 'def test_one():\n    pass\n\n\ndef test_two():\n    pass\n' >tests/test_sample.py
    suites="$suites, {\"name\": \"py\", \"format\": \"pytest\", \"paths\": [\"tests\"]}"
    expected=3
fi
printf '{"rowlock": 1, "suites": [%s]}\n' "$suites" >tests.json
"$rowlock" parallel -n 2 --python "$python" --report-json report.json ||
    fail "a run in which all tests pass ended with $?"
grep -qE "\"passed\": *${expected}([^0-9]|\$)" report.json ||
    fail "the report does not count $expected passed tests"

plugin=$("$rowlock" pytest-plugin path)
[ -f "$plugin/rowlock_pytest/__init__.py" ] || fail "there is no plugin in $plugin"
if [ "$expected" = 3 ] && ! "$python" -c 'import xdist' 2>/dev/null; then
    PYTHONPATH=$plugin PATH=/usr/bin:/bin "$python" -m pytest -p rowlock_pytest -n 2 tests >output ||
        fail "a pytest that hands its run over ended with $?"
    grep -q '^rowlock ' output || fail 'pytest -n 2 did not hand its run over'
fi

printf '{"rowlock": 1, "suites": [{"name": "n", "format": "exec", "glob": "*.sh"}]}\n' >tests.json
status=0
"$rowlock" parallel -n 2 >output 2>&1 || status=$?
[ "$status" = 1 ] || fail "a run with a failed test ended with $status"
grep -q '1 passed, 1 failed\|1 failed, 1 passed' output || fail 'the summary does not count them'
mkdir init init/t
printf '#!/bin/sh\necho 1..1\necho ok 1\n' >init/t/one.t
"$rowlock" -C init init --github >output || fail "rowlock init ended with $?"
"$rowlock" -C init parallel >output || fail "a run in what init has set up ended with $?"
grep -q '1 passed' output || fail 'the test that init has found did not run'
${MAKE:-make} -C init test-parallel ROWLOCK="$rowlock" >output || fail "make test-parallel ended with $?"
grep -q '1 passed' output || fail 'make test-parallel did not run the test'
# Below the same prefix, whatever DESTDIR was; --datadir may have moved one of them.
prefix=$(dirname "$(dirname "$rowlock")")
if command -v cmake >/dev/null && [ -f "$prefix/lib/cmake/rowlock/rowlock-config.cmake" ]; then
    mkdir cmake
    printf '%s\n' 'cmake_minimum_required(VERSION 3.16)' 'project(p LANGUAGES NONE)' 'enable_testing()' \
        'find_package(rowlock REQUIRED CONFIG)' 'add_test(NAME one COMMAND true)' \
        'rowlock_add_targets()' >cmake/CMakeLists.txt
    cmake -S cmake -B cmake/build -DCMAKE_PREFIX_PATH="$prefix" >output || fail 'CMake does not find rowlock'
    cmake --build cmake/build --target test-parallel >output || fail "CMake's test-parallel ended with $?"
    grep -q '1 passed' output || fail "CMake's test-parallel did not run the test"
fi
if command -v autoconf >/dev/null; then
    mkdir autoconf
    cd autoconf
    printf '%s\n' 'AC_INIT([sample], [1])' 'm4_include([rowlock.m4])' \
        'm4_pattern_forbid([^ROWLOCK_CHECK])' 'ROWLOCK_CHECK([0.1], [], [AC_MSG_ERROR([no Rowlock])])' \
        'AC_CONFIG_FILES([Makefile])' 'AC_OUTPUT' >configure.ac
    printf 'check:\n\t+"@ROWLOCK@" parallel -n 2\n' >Makefile.in
    cp ../good.sh .
    printf '{"rowlock": 1, "suites": [{"name": "n", "format": "exec", "glob": "*.sh"}]}\n' >tests.json
    autoconf -I "$prefix/share/aclocal" || fail 'Autoconf does not take rowlock.m4'
    if ./configure -q --without-rowlock 2>output; then
        fail 'ROWLOCK_CHECK found a Rowlock that was switched off'
    fi
    PATH=$prefix/bin:$PATH ./configure -q || fail 'ROWLOCK_CHECK does not find rowlock'
    ${MAKE:-make} check >output || fail "make check of a project with Autoconf ended with $?"
    grep -q '1 passed' output || fail 'make check of a project with Autoconf did not run the test'
    cd ..
else
    echo 'installcheck: no autoconf here: ROWLOCK_CHECK is not tried'
fi

# Each shell reads its file as a user's shell would, and asks the program.
"$rowlock" __complete -- para | grep -q '^parallel' || fail 'nothing is completed'
bash_file=$prefix/share/bash-completion/completions/rowlock
zsh_folder=$prefix/share/zsh/site-functions
fish_file=$prefix/share/fish/vendor_completions.d/rowlock.fish
for f in "$bash_file" "$zsh_folder/_rowlock" "$fish_file"; do
    [ -r "$f" ] || fail "there is no $f"
done
# shellcheck disable=SC2016 # these shells are to expand it
if command -v bash >/dev/null; then
    bash --norc -c '. "$1" && complete -p rowlock >/dev/null && COMP_LINE="$2 par" &&
        COMP_POINT=${#COMP_LINE} && _rowlock && printf "%s\n" "${COMPREPLY[@]}"' \
        bash "$bash_file" "$rowlock" | grep -qx parallel || fail 'bash does not complete'
fi
# shellcheck disable=SC2016
if command -v zsh >/dev/null; then
    zsh -f -c 'fpath=($1); fpath+=(${(s.:.)2}); autoload -Uz compinit && compinit -u -D &&
        print $_comps[rowlock] && autoload +X _rowlock' \
        zsh "$zsh_folder" "$(zsh -f -c 'print ${(j.:.)fpath}')" | grep -qx _rowlock || fail 'zsh does not load its completion'
fi
# shellcheck disable=SC2016
if command -v fish >/dev/null; then
    PATH=$prefix/bin:$PATH fish --no-config -c 'source $argv[1]; complete -C "rowlock par"' "$fish_file" |
        grep -q '^parallel' || fail 'fish does not complete'
fi
# shows COMMAND... PAGE: it prints the page, and finds nothing wrong.
shows()
{
    for page; do :; done
    name=$(basename "${page%.*}")
    "$@" >output 2>errors || fail "$* ended with $?: $(cat errors)"
    [ ! -s errors ] || fail "$* says: $(cat errors)"
    # Bold letters are struck twice.
    sed "s/.$(printf '\b')//g" output | grep -q "^ *$name *[^ a-z]" || fail "$* does not show $name"
}
for page in 1/rowlock.1 1/rowlock-exec.1 3/rowlock-fixtures.3 5/rowlock.json.5 7/rowlock.mk.7; do
    page=$prefix/share/man/man$page
    [ -r "$page" ] || fail "there is no $page"
    ! command -v mandoc >/dev/null || shows mandoc -T ascii "$page"
    # Where Ubuntu is minimized, `man` is a script that says so.
    ! man --version 2>/dev/null | grep -q '^man ' || shows env MANPAGER=cat man -l "$page"
done
# The fixtures for shell scripts, in every shell that is there.
sourced=$("$rowlock" --shell-fixtures)
case $sourced in
*/share/rowlock/fixtures.sh) [ -r "$sourced" ] || fail "$sourced cannot be read" ;;
*) fail "--shell-fixtures names '$sourced', which is not what was installed" ;;
esac
cat >fixtures.sh <<'END'
set -eu
. "$(rowlock --shell-fixtures)"
folder=$(rowlock_temp_dir_new)
file=$(rowlock_temp_file "$folder" 'a b' 'text')
rowlock_serial_lock
[ "$(cat "$file")" = text ] && [ "$(rowlock_port_new)" -gt 0 ]
rowlock_serial_unlock
echo "$(rowlock_worker_id) $folder"
END
for shell in sh dash bash 'busybox sh'; do
    command -v "${shell% *}" >/dev/null || continue
    # shellcheck disable=SC2086 # busybox sh: two words
    said=$(PATH="$prefix/bin:$PATH" $shell fixtures.sh) || fail "fixtures.sh ended with $? in $shell"
    case $said in
    'master /'*) [ ! -e "${said#* }" ] || fail "$shell left ${said#* }" ;;
    *) fail "fixtures.sh in $shell said '$said'" ;;
    esac
done
# librowlock as a project finds it: with the shared library, the static one, and from C++.
cat >f.c <<'END'
#include <rowlock/fixtures.h>
#include <stdio.h>
int main(void)
{
    char *folder = rowlock_temp_dir_new();
    printf("%s %s\n", rowlock_worker_id(), folder ? folder : rowlock_error());
    rowlock_temp_dir_free(folder);
    return folder == NULL;
}
END
cp f.c f.cc
grep -qxF "prefix=${prefix#"${PKG_CONFIG_SYSROOT_DIR-}"}" "$prefix/lib/pkgconfig/rowlock.pc" ||
    fail "$prefix/lib/pkgconfig/rowlock.pc does not say where it was installed"
pkg_config()
{
    PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config "$@" rowlock
}
if command -v cc >/dev/null && command -v pkg-config >/dev/null; then
    # The compiler's own words: they are split here on purpose.
    # shellcheck disable=SC2046
    cc -Wall -Wextra -Werror -pedantic -std=c11 -o shared f.c $(pkg_config --cflags --libs) ||
        fail 'a C program cannot be linked with librowlock.so'
    # A folder without the shared one.
    mkdir archive
    cp "$prefix/lib/librowlock.a" archive
    # shellcheck disable=SC2046
    cc -o static f.c -L"$folder/archive" $(pkg_config --static --cflags --libs) ||
        fail 'a C program cannot be linked with librowlock.a'
    for f in shared static; do
        LD_LIBRARY_PATH="$prefix/lib" ./$f | grep -q '^master /' || fail "the $f program does not run"
    done
    if command -v c++ >/dev/null; then
        # shellcheck disable=SC2046
        c++ -Wall -Wextra -Werror -pedantic -o plus f.cc $(pkg_config --cflags --libs) ||
            fail 'a C++ program cannot be linked with librowlock.so'
        LD_LIBRARY_PATH="$prefix/lib" ./plus | grep -q '^master /' || fail 'the C++ program does not run'
    fi
fi
echo "installcheck: $rowlock works for $(id -un), uid $(id -u)"
