#!/usr/bin/env bash
# Queues of a network card: as many as cores, hashed by ports, their rings long, and the packets
# of a card with one queue passed on to all cores.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "${BASH_SOURCE[0]%/*}/common.sh"

usage() {
    cat <<'TEXT'
usage: nic.sh [--dry-run] INTERFACE CORES    such as: nic.sh eth0 0-3
       nic.sh [--dry-run] undo INTERFACE
TEXT
}

# A number from `ethtool -l` or `-g`: "$2" is the line's name, "$3" its first (the maximum) or
# second (the current) occurrence. Empty if the card does not say.
card_number() {
    { ethtool "$1" "$interface" 2>/dev/null || true; } |
        awk -F':[ \t]*' -v name="$2" -v wanted="$3" \
            '$1 == name && ++seen == wanted && $2 ~ /^[0-9]+$/ { print $2 }'
}

# Sets a number of the card with `ethtool "$1" INTERFACE "$2" VALUE` and keeps the old one.
set_card() {
    local option=$1 name=$2 value=$3 before=$4
    [[ $value != "$before" ]] || return 0
    if ! ((dry_run)) && ! grep -qs "^ethtool $option $name " "$state_file.card"; then
        echo "ethtool $option $name $before" >>"$state_file.card"
    fi
    run ethtool "$option" "$interface" "$name" "$value" || echo "refused: $name $value" >&2
}

smaller() {
    echo $(($1 < $2 ? $1 : $2))
}

set_queues() {
    local most now
    most=$(card_number -l Combined 1)
    now=$(card_number -l Combined 2)
    if [[ -n $most && -n $now ]]; then
        set_card -L combined "$(smaller "$most" "${#cores[@]}")" "$now"
    fi
}

# Ports count in the hash, or all that one peer sends comes to one queue. Not every card can.
set_hash() {
    local family fields
    for family in udp4 udp6; do
        fields=$(hash_fields "$family")
        if [[ $fields == *"L4 bytes"* ]]; then
            continue
        fi
        if [[ -n $fields ]]; then
            run ethtool -N "$interface" rx-flow-hash "$family" sdfn || true
            ((dry_run)) && continue
            fields=$(hash_fields "$family")
        fi
        if [[ $fields != *"L4 bytes"* ]]; then
            echo "left alone: the card cannot hash $family by ports" >&2
        elif ! grep -qs "^hash $family" "$state_file.card"; then
            echo "hash $family" >>"$state_file.card"
        fi
    done
}

# What the card's hash is made of; empty if it does not say.
hash_fields() {
    { ethtool -n "$interface" rx-flow-hash "$1" 2>/dev/null || true; } | grep ' [DS]A$\|L4 bytes' ||
        true
}

# Room for a burst while the core is busy; beyond 4096, the ring no longer fits the cache.
set_ring() {
    local most now
    most=$(card_number -g RX 1)
    now=$(card_number -g RX 2)
    if [[ -n $most && -n $now ]]; then
        set_card -G rx "$(smaller "$most" 4096)" "$now"
    fi
}

# One queue: RPS passes its packets on to all cores. More: each is served where it interrupts.
# XPS: a core sends through a queue of its own.
set_steering() {
    local -a receive=(/sys/class/net/"$interface"/queues/rx-*)
    local -a send=(/sys/class/net/"$interface"/queues/tx-*)
    local index mask=0
    if ((${#receive[@]} == 1)); then
        mask=$(core_mask "${cores[@]}")
    fi
    for index in "${!receive[@]}"; do
        set_file "$mask" "${receive[index]}/rps_cpus"
    done
    if ((${#send[@]} > 1)); then
        for index in "${!send[@]}"; do
            set_file "$(core_mask "${cores[index % ${#cores[@]}]}")" "${send[index]}/xps_cpus"
        done
    fi
}

undo() {
    local word option name before
    if [[ -e $state_file.card ]]; then
        while read -r word option name before; do
            if [[ $word == hash ]]; then
                run ethtool -N "$interface" rx-flow-hash "$option" sd || true
            else
                run ethtool "$option" "$interface" "$name" "$before" || true
            fi
        done <"$state_file.card"
        ((dry_run)) || rm "$state_file.card"
        [[ -e $state_file ]] || return 0
    fi
    undo_files
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
    interface=$2
    open_state "nic-$interface" undo
    undo
    exit
fi
interface=$1
[[ -d /sys/class/net/$interface ]] || fail "there is no interface $interface"
mapfile -t cores < <(expand_cores "$2")
((${#cores[@]} > 0)) || exit 2
open_state "nic-$interface"
if command -v ethtool >/dev/null; then
    set_queues
    set_hash
    set_ring
else
    echo "left alone: queues, hash and rings need ethtool" >&2
fi
set_steering
