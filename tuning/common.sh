# Shared by the scripts beside this file: writing a setting so that it can be undone.
# shellcheck shell=bash

dry_run=0
state_directory=${VIADUCT_TUNING_STATE:-/run/viaduct-tuning}

fail() {
    echo "$1" >&2
    exit 2
}

# Runs a command, or shows it.
run() {
    if ((dry_run)); then
        printf '%q ' "$@"
        echo
    else
        "$@"
    fi
}

# Where the values from before are kept; "$1" names the script and what it is applied to.
# With `undo` as "$2", nothing is made that is not there.
open_state() {
    state_file=$state_directory/$1
    if ! ((dry_run)) && [[ ${2:-} != undo ]]; then
        mkdir -p "$state_directory"
    fi
}

# Writes "$1" to the file "$2". What was there first is kept, also when this is run repeatedly.
set_file() {
    local value=$1 file=$2 before
    if [[ ! -w $file ]]; then
        echo "left alone: $file is not there or cannot be written" >&2
        return
    fi
    before=$(<"$file")
    # A list of choices has the chosen one in brackets.
    if [[ $before =~ \[([a-z+-]+)\] ]]; then
        before=${BASH_REMATCH[1]}
    fi
    if ((dry_run)); then
        echo "echo $value > $file   # now $before"
        return
    fi
    if ! grep -qsF " $file" "$state_file"; then
        echo "$before $file" >>"$state_file"
    fi
    if ! echo "$value" 2>/dev/null >"$file"; then
        echo "refused: $value for $file" >&2
    fi
}

# Writes back what was there before the first call.
undo_files() {
    [[ -e $state_file ]] || fail "nothing to undo: no $state_file"
    local before file
    while read -r before file; do
        if ((dry_run)); then
            echo "echo $before > $file"
        elif ! echo "$before" 2>/dev/null >"$file"; then
            echo "refused: $before for $file" >&2
        fi
    done <"$state_file"
    ((dry_run)) || rm "$state_file"
}

# The cores of a list such as 0,2-3, one a line.
expand_cores() {
    local part
    [[ $1 =~ ^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$ ]] || fail "not a list of cores: $1"
    for part in ${1//,/ }; do
        seq "${part%-*}" "${part#*-}"
    done
}

# Cores as the kernel takes a mask: base 16, groups of eight digits, the highest first.
core_mask() {
    local -a groups=()
    local core index text=
    for core in "$@"; do
        groups[core / 32]=$((${groups[core / 32]:-0} | 1 << (core % 32)))
    done
    local -a used=("${!groups[@]}")
    for ((index = used[-1]; index >= 0; index--)); do
        if [[ -z $text ]]; then
            printf -v text '%x' "${groups[index]:-0}"
        else
            printf -v text '%s,%08x' "$text" "${groups[index]:-0}"
        fi
    done
    echo "$text"
}
