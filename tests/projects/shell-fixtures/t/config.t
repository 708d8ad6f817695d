#!/bin/sh
# The stand-in for a configuration manager.
set -eu
# shellcheck source=tests/projects/shell-fixtures/t/tap.sh
. "${0%/*}/tap.sh"
tab='	'
odd="a ${tab}b\\n
c"

config=$(rowlock_mock_config_new)
tap_is 'a default' "$(rowlock_mock_config_get_mapping "$config" copy)" ansible.builtin.copy
tap_status 'none' 1 rowlock_mock_config_get_mapping "$config" nothing
tap_is 'a fallback' "$(rowlock_mock_config_get_mapping "$config" nothing 'some thing')" 'some thing'
rowlock_mock_config_set_mapping "$config" copy my.own.copy
rowlock_mock_config_set_mapping "$config" "$odd" "$odd"
tap_is 'what was set' "$(rowlock_mock_config_get_mapping "$config" copy)" my.own.copy
tap_is 'a name of any bytes' "$(rowlock_mock_config_get_mapping "$config" "$odd")" "$odd"
tap_ok 'it is there' rowlock_mock_config_has_mapping "$config" "$odd"
tap_status 'it is not there' 1 rowlock_mock_config_has_mapping "$config" nothing
rowlock_mock_config_set "$config" copy '-n @x'
tap_is 'a setting is no mapping' "$(rowlock_mock_config_get "$config" copy)" '-n @x'
tap_status 'no setting' 1 rowlock_mock_config_get "$config" other

defaults=$(rowlock_mock_config_load_default_mappings "$config")
tap_ok 'all defaults' [ "$(printf '%s\n' "$defaults" | wc -l)" -gt 10 ]
if [ -n "${LIST_MAPPINGS-}" ]; then
    printf '%s\n' "$defaults" | sed "s/^/# map /;s/$tab/ /"
fi
rowlock_mock_config_load_custom_mappings "$config" >custom.$$
IFS=$tab read -r name value <custom.$$
tap_is 'a list is read with printf' "$(printf %b "$name")" "$odd"
tap_is 'both fields of it' "$(printf %b "$value")" "$odd"
printf '%s\n' "$defaults" >defaults.$$
tap_is 'of two lists the last one wins' \
    "$(rowlock_mock_config_merge_mappings "$config" custom.$$ defaults.$$ | grep "^copy$tab")" \
    "copy${tab}ansible.builtin.copy"
rowlock_mock_config_merge_mappings "$config" >merged.$$
tap_is 'and what was set without lists' "$(rowlock_mappings_get merged.$$ copy)" my.own.copy
tap_status 'not in the list' 1 rowlock_mappings_get merged.$$ nothing
echo word >custom.$$
tap_status 'no list' 2 rowlock_mappings_get custom.$$ nothing
rm custom.$$ defaults.$$ merged.$$

# Processes share it: none loses what another one sets.
for i in 1 2 3 4; do
    rowlock_mock_config_set "$config" "key $i" "$i" &
done
wait
tap_is 'all were set' "$(for i in 1 2 3 4; do rowlock_mock_config_get "$config" "key $i" -; done | tr -d '\n')" 1234

rowlock_mock_config_reset "$config"
tap_is 'defaults stay' "$(rowlock_mock_config_get_mapping "$config" copy)" ansible.builtin.copy
tap_status 'settings go' 1 rowlock_mock_config_get "$config" copy
rowlock_mock_config_free "$config"
tap_status 'it is gone' 2 rowlock_mock_config_get "$config" copy
tap_done
