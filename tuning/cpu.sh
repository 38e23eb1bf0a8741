#!/usr/bin/env bash
# Cores at full speed, idle states that wake fast, huge pages only where a program asks.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "${BASH_SOURCE[0]%/*}/common.sh"

usage() {
    cat <<'TEXT'
usage: cpu.sh [--dry-run] CORES    such as: cpu.sh 0-3
       cpu.sh [--dry-run] undo
TEXT
}

# Idle states that take longer to wake from than this (µs) are switched off.
readonly wake_us_max=20

if [[ ${1:-} == --dry-run ]]; then
    dry_run=1
    shift
fi
[[ $# == 1 ]] || {
    usage >&2
    exit 2
}
if [[ $1 == undo ]]; then
    open_state cpu undo
    undo_files
    exit
fi
mapfile -t cores < <(expand_cores "$1")
((${#cores[@]} > 0)) || exit 2
open_state cpu
for core in "${cores[@]}"; do
    directory=/sys/devices/system/cpu/cpu$core
    [[ -d $directory ]] || fail "there is no core $core"
    if [[ -e $directory/cpufreq/scaling_governor ]]; then
        set_file performance "$directory/cpufreq/scaling_governor"
    fi
    for state in "$directory"/cpuidle/state*; do
        if [[ -e $state/latency ]] && (($(<"$state/latency") > wake_us_max)); then
            set_file 1 "$state/disable"
        fi
    done
done
if [[ -e /sys/kernel/mm/transparent_hugepage/enabled ]]; then
    set_file madvise /sys/kernel/mm/transparent_hugepage/enabled
fi
