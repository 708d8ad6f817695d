# shellcheck shell=sh
# What the scripts here share: the fixtures, and test points. A script ends with tap_done.
# shellcheck source=/dev/null
. "$(rowlock --shell-fixtures)"

tap_count=0
tap_failed=0

# tap_ok NAME COMMAND...: a point that is ok if the command succeeds.
tap_ok()
{
    tap_name=$1
    shift
    tap_count=$((tap_count + 1))
    if "$@"; then
        echo "ok $tap_count - $tap_name"
    else
        tap_failed=$((tap_failed + 1))
        echo "not ok $tap_count - $tap_name"
    fi
}

# tap_is NAME GOT EXPECTED
tap_is()
{
    if [ "$2" != "$3" ]; then
        printf '%s\n' "got:      $2" "expected: $3" | sed 's/^/# /'
    fi
    tap_ok "$1" [ "$2" = "$3" ]
}

# tap_status NAME STATUS COMMAND...: what it prints on standard error is left out.
tap_status()
{
    tap_name=$1
    tap_expected=$2
    shift 2
    tap_status=0
    "$@" 2>/dev/null || tap_status=$?
    tap_is "$tap_name" "$tap_status" "$tap_expected"
}

tap_done()
{
    echo "1..$tap_count"
    exit "$((tap_failed > 0))"
}
