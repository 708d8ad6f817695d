#!/bin/sh
# Ports that nobody else has.
set -eu
# shellcheck source=tests/projects/shell-fixtures/t/tap.sh
. "${0%/*}/tap.sh"

one=$(rowlock_port_new)
two=$(rowlock_port_new)
tap_ok 'a port' [ "$one" -ge 1024 -a "$one" -le 65535 ]
tap_ok 'another one' [ "$one" != "$two" ]
echo "# ports $one $two"
tap_status 'one that is given back' 0 rowlock_port_free "$one"
tap_status 'one that it does not have' 0 rowlock_port_free 1
tap_status 'no port' 2 rowlock_port_free "$one x"
tap_done
