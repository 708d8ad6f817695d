#!/bin/sh
# installcheck.sh ROWLOCK PYTHON VERSION: tests an installed rowlock from a folder of its own. Root lets
# nobody do it first, where nobody may read what was installed.
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
"$rowlock" __complete -- para | grep -q '^parallel' || fail 'nothing is completed'
for f in bash-completion/completions/rowlock zsh/site-functions/_rowlock \
    fish/vendor_completions.d/rowlock.fish; do
    [ -r "$prefix/share/$f" ] || fail "there is no $prefix/share/$f"
done
for page in 1/rowlock.1 1/rowlock-exec.1 5/rowlock.json.5; do
    [ -r "$prefix/share/man/man$page" ] || fail "there is no $prefix/share/man/man$page"
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
pkg_config()
{
    PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --define-variable=prefix="$prefix" "$@" rowlock
}
if command -v cc >/dev/null && command -v pkg-config >/dev/null; then
    # The compiler's own words: they are split here on purpose.
    # shellcheck disable=SC2046
    cc -Wall -Wextra -Werror -pedantic -std=c11 -o shared f.c $(pkg_config --cflags --libs) ||
        fail 'a C program cannot be linked with librowlock.so'
    # shellcheck disable=SC2046
    cc -o static f.c $(pkg_config --cflags) "$prefix/lib/librowlock.a" -pthread ||
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
