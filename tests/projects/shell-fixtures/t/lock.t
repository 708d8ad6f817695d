#!/bin/sh
# The serial lock. COUNTER names a file with a number that each test of a run makes one higher.
set -eu
# shellcheck source=tests/projects/shell-fixtures/t/tap.sh
. "${0%/*}/tap.sh"

tap_status 'it is not held' 2 rowlock_serial_unlock
rowlock_serial_lock
if [ -n "${COUNTER-}" ]; then
    number=0
    [ ! -e "$COUNTER" ] || read -r number <"$COUNTER"
    echo $((number + 1)) >"$COUNTER"
fi
tap_ok 'who holds it may take it again' rowlock_serial_trylock
# Another script is another holder.
cat >other.$$ <<'END'
. "$(rowlock --shell-fixtures)"
rowlock_serial_trylock
END
tap_status 'another script does not get it' 1 sh other.$$
rowlock_serial_unlock
tap_status 'nor after one of two' 1 sh other.$$
# One that the script leaves running has the descriptor, and does not keep the lock.
sleep 60 &
rowlock_serial_unlock
tap_ok 'it may be taken again' rowlock_serial_lock
rowlock_serial_unlock
kill $!
rm other.$$
exec 9>&1 8>&1
rowlock_serial_lock
echo '# descriptors that are open stay what they are' >&9
rowlock_serial_unlock
tap_status 'given back' 2 rowlock_serial_unlock
exec 7>&1 6>&1 5>&1 4>&1 3>&1
tap_status 'no descriptor is left' 2 rowlock_serial_lock
tap_done
