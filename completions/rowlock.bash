# bash completion of rowlock. What fits, the program itself says (src/command/complete.c).
# shellcheck shell=bash

_rowlock()
{
    local line=${COMP_LINE:0:COMP_POINT} cur kept candidate kind=
    local -a words
    read -ra words <<<"$line"
    [[ $line != *[[:space:]] ]] || words+=('')
    cur=${words[-1]}
    # readline replaces only what stands behind the last of these.
    kept=
    [[ $cur != *[:=]* ]] || kept=${cur%"${cur##*[:=]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        case $candidate in
        :files | :dirs) kind=$candidate ;;
        *) COMPREPLY+=("$(printf %q "${candidate#"$kept"}")") ;;
        esac
    done < <("${words[0]/#\~/$HOME}" __complete -- "${words[@]:1}" 2>/dev/null)
    [[ -n $kind ]] || return 0
    [[ $cur != --*=* ]] || cur=${cur#*=}
    compopt -o filenames 2>/dev/null
    if [[ $kind = :dirs ]]; then
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$cur")
    else
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
    fi
}

complete -F _rowlock rowlock
