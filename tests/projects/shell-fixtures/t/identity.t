#!/bin/sh
# Who runs this, as the variables say it too.
# shellcheck disable=SC2154 # rowlock_context_new sets them
set -eu
# shellcheck source=tests/projects/shell-fixtures/t/tap.sh
. "${0%/*}/tap.sh"

mode=${FQCN_TEST_MODE-sequential}
tap_is 'the worker' "$(rowlock_worker_id)" "${FQCN_TEST_WORKER_ID-master}"
tap_is 'the prefix' "$(rowlock_env_prefix)" FQCN
parallel=true
rowlock_is_parallel || parallel=false
case $mode in
parallel) expected=true ;;
*) expected=false ;;
esac
tap_is 'is it parallel?' "$parallel" "$expected"

rowlock_context_new
tap_is "the context's worker" "$rowlock_context_worker_id" "$(rowlock_worker_id)"
tap_is "the context's mode" "$rowlock_context_mode" "$mode"
tap_is 'true or false' "$rowlock_context_is_parallel" "$expected"
tap_is 'the number of workers' "$rowlock_context_worker_count" "${PYTEST_XDIST_WORKER_COUNT-1}"
tap_is 'the run' "$rowlock_context_testrun_uid" "${PYTEST_XDIST_TESTRUNUID-}"
tap_is 'the process' "$rowlock_context_process_id" "$$"
tap_is 'the thread' "$rowlock_context_thread_id" "$$"
tap_ok 'the time' [ "${rowlock_context_start_time%.*}" -gt 1000000000 ]
tap_ok 'a folder' [ -d "$rowlock_context_temp_dir" ]
folder=$rowlock_context_temp_dir
rowlock_context_free
tap_ok 'it is gone' [ ! -e "$folder" ]
tap_is 'and so are the variables' "$(set | grep '^rowlock_context_[a-z_]*=' || echo none)" none
echo "# worker $(rowlock_worker_id), $mode"
tap_done
