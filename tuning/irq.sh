#!/usr/bin/env bash
# Interrupts of a network card, each on one of the given cores in turn: those of the workers, so
# that a datagram stays on a core, or others, so that workers are not interrupted.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "${BASH_SOURCE[0]%/*}/common.sh"

usage() {
    cat <<'TEXT'
usage: irq.sh [--dry-run] INTERFACE CORES    such as: irq.sh eth0 0-3
       irq.sh [--dry-run] undo INTERFACE
TEXT
}

# The interrupts of the card, or of the device above a paravirtual one.
interrupts_of() {
    local device=/sys/class/net/$1/device directory
    for directory in "$device/msi_irqs" "$device/../msi_irqs"; do
        if [[ -d $directory ]]; then
            find "$directory/" -type f -printf '%f\n' | sort -n
            return
        fi
    done
}

# Whether an interrupt has ever occurred: those for events of the card need no core.
has_occurred() {
    awk -v label="$1:" '
        $1 == label { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) total += $i }
        END { exit total == 0 }' /proc/interrupts
}

if [[ ${1:-} == --dry-run ]]; then
    dry_run=1
    shift
fi
[[ $# == 2 ]] || {
    usage >&2
    exit 2
}
if [[ $1 == undo ]]; then
    open_state "irq-$2" undo
    undo_files
    exit
fi
[[ -d /sys/class/net/$1 ]] || fail "there is no interface $1"
mapfile -t interrupts < <(interrupts_of "$1")
((${#interrupts[@]} > 0)) || fail "$1 has no interrupts of its own"
mapfile -t cores < <(expand_cores "$2")
((${#cores[@]} > 0)) || exit 2
open_state "irq-$1"
next=0
for interrupt in "${interrupts[@]}"; do
    if has_occurred "$interrupt"; then
        set_file "${cores[next % ${#cores[@]}]}" "/proc/irq/$interrupt/smp_affinity_list"
        next=$((next + 1))
    fi
done
if pidof irqbalance >/dev/null 2>&1; then
    echo "irqbalance runs and will move them again: systemctl disable --now irqbalance" >&2
fi
