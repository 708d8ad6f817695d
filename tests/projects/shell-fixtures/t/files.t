#!/bin/sh
# Folders that nobody else has, and files in them.
set -eu
# shellcheck source=tests/projects/shell-fixtures/t/tap.sh
. "${0%/*}/tap.sh"
newline='
'

one=$(rowlock_temp_dir_new)
two=$(rowlock_temp_dir_new)
tap_ok 'two folders' [ -d "$one" -a -d "$two" -a "$one" != "$two" ]
empty=$(rowlock_temp_dir_new)
tap_ok 'an empty one' rmdir "$empty"
tap_is 'for this user alone' "$(stat -c %a "$one")" 700

file=$(rowlock_temp_file "$one" "sub folder/in put${newline}-x.yml" "- copy: '\$(touch pwned)'")
tap_is 'a name with spaces and a newline' "$file" "$one/sub folder/in put${newline}-x.yml"
tap_is 'a text' "$(cat "$file")" "- copy: '\$(touch pwned)'"
printf 'from\nstdin\n' | rowlock_temp_file "$one" -n >/dev/null
tap_is 'standard input' "$(cat "$one/-n")" "from${newline}stdin"
rowlock_temp_file "$one" -n @new >/dev/null
tap_is 'a file that is replaced' "$(cat "$one/-n")" @new
alone=$(rowlock_temp_file '' --help '')
tap_ok 'a file in a fresh folder' [ -f "$alone" -a ! -s "$alone" ]
for name in '' /x .. ../x a/../b a/; do
    tap_status "the name '$name'" 2 rowlock_temp_file "$one" "$name" x
done

rowlock_temp_dir_free "$one"
rowlock_temp_dir_free ''
tap_ok 'one folder less' [ ! -e "$one" -a -d "$two" ]
mkdir mine.$$
for folder in mine.$$ "$PWD/mine.$$" "$two/.." "$two/x" "${two%/*}"; do
    tap_status "not the folder $folder" 2 rowlock_temp_dir_free "$folder"
done
tap_ok 'they are there' [ -d "$two" -a -d mine.$$ ]
rmdir mine.$$
tap_done
