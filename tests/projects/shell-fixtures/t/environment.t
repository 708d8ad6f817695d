#!/bin/sh
# Variables for one test, and all of them as before afterwards.
# shellcheck disable=SC2123,SC2089,SC2090 # these are the values that are tried
set -eu
# shellcheck source=tests/projects/shell-fixtures/t/tap.sh
. "${0%/*}/tap.sh"
newline='
'

ODD="a=b'\"\$(touch pwned)$newline$newline"
export ODD
before=${FQCN_CONFIG_DIR-none}
rowlock_environment_new
outer=$FQCN_TEST_TEMP_DIR
tap_ok 'folders' [ -d "$FQCN_CONFIG_DIR" -a -d "$FQCN_CACHE_DIR" ]
tap_is 'in the one of the test' "$FQCN_CONFIG_DIR $FQCN_CACHE_DIR" "$outer/config $outer/cache"
tap_is 'the worker' "$FQCN_TEST_WORKER_ID" "$(rowlock_worker_id)"
tap_is 'children see it' "$(sh -c 'echo "$FQCN_TEST_TEMP_DIR"')" "$outer"

# What the variables said when the script began counts.
TMPDIR=/nowhere
export TMPDIR
mine=$(rowlock_temp_dir_new)
tap_ok 'a folder as before' [ -d "$mine" ]
case $mine in
"$outer"/*) tap_ok 'outside of that one' false ;;
*) tap_ok 'outside of that one' true ;;
esac

rowlock_environment_new
inner=$FQCN_TEST_TEMP_DIR
tap_ok 'another one' [ "$inner" != "$outer" ]
ODD=changed
MORE=1
export MORE
unset HOME
path=$PATH
PATH=/nowhere
rowlock_environment_free
tap_is 'PATH' "$PATH" "$path"
tap_is 'a value of any bytes' "$ODD" "a=b'\"\$(touch pwned)$newline$newline"
tap_is 'one more is gone' "${MORE-none}" none
tap_ok 'one less is back' [ -n "${HOME-}" ]
tap_is 'the outer one' "$FQCN_TEST_TEMP_DIR" "$outer"
tap_ok 'the folder of the inner one' [ ! -e "$inner" -a -d "$outer" ]

cd /
rowlock_environment_free
tap_is 'as before' "${FQCN_CONFIG_DIR-none}" "$before"
tap_is 'the shell keeps its folder' "$(pwd)" /
tap_ok 'no folder is left' [ ! -e "$outer" ]
tap_status 'no more to free' 2 rowlock_environment_free
tap_done
