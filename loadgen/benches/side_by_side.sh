#!/bin/bash
# What SIPp, viaload and the bare sockets do on the same two cores: callee on the first, caller on
# the second, SIPp's basic call (six messages) without hold time, as many as there can be.
#
#   loadgen/benches/side_by_side.sh [-c CALLEE_CORE,CALLER_CORE] [-n ROUNDS] [-s SECONDS]
#
# Rounds are interleaved, so that a machine that changes its mind meets all three; the table has
# medians. CPU is that of both sides, and a message is one that was sent and received.
set -euo pipefail

cores=2,3 rounds=5 seconds=5 in_flight=256
while getopts c:n:s: option; do
    case $option in
        c) cores=$OPTARG ;;
        n) rounds=$OPTARG ;;
        s) seconds=$OPTARG ;;
        *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done
callee_core=${cores%,*} caller_core=${cores#*,}
cd "$(dirname "$0")/../.."
cargo build --quiet --release --package viaload
viaload=${CARGO_TARGET_DIR:-target}/release/viaload
scratch=$(mktemp -d)
callee=
trap 'stop_callee; rm -rf "$scratch"' EXIT

# CPU seconds that a process has used.
cpu() {
    awk '{ sub(/.*\) /, ""); print ($12 + $13) / '"$(getconf CLK_TCK)"' }' "/proc/$1/stat"
}

# Runs the caller to its end; its CPU seconds are then in $scratch/cpu. What it writes is not
# looked at unless it fails.
call() {
    local TIMEFORMAT='%U %S'
    { time taskset -c "$caller_core" "$@" >"$scratch/output" 2>&1; } 2>"$scratch/time" || {
        cat "$scratch/output" >&2
        return 1
    }
    awk '{ print $1 + $2 }' "$scratch/time" >"$scratch/cpu"
}

# Starts the callee and waits until it has its socket.
start_callee() {
    local port=$1 hex
    shift
    taskset -c "$callee_core" "$@" >/dev/null 2>&1 &
    callee=$!
    hex=$(printf ':%04X ' "$port")
    until grep -q "$hex" /proc/net/udp; do
        kill -0 "$callee"
        read -rt 0.05 <> <(:) || true
    done
}

# Ends it.
stop_callee() {
    [ -z "$callee" ] || kill -KILL "$callee" 2>/dev/null || true
    [ -z "$callee" ] || wait "$callee" 2>/dev/null || true
    callee=
}

# Two numbers of a run: calls per second, CPU microseconds per message.
#   result CALLS CALLS_PER_SECOND CALLEE_CPU_SECONDS
result() {
    awk -v calls="$1" -v rate="$2" -v callee="$3" \
        '{ printf "%.0f %.3f\n", rate, ($1 + callee) * 1e6 / (6 * calls) }' "$scratch/cpu"
}

# A UDP port that nobody has.
free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)); grep -q "$(printf ':%04X ' $port)" /proc/net/udp; do
        :
    done
    echo "$port"
}

sipp_round() {
    local port calls statistics
    port=$(free_port) calls=$((seconds * 15000)) statistics=$scratch/statistics.csv
    start_callee "$port" sipp -sn uas -i 127.0.0.1 -p "$port" -nostdin -buff_size 4194304
    call sipp -sn uac -i 127.0.0.1 -p "$(free_port)" -nostdin -buff_size 4194304 -d 0 \
        -r 100000 -l "$in_flight" -m "$calls" -trace_stat -stf "$statistics" "127.0.0.1:$port"
    # Its own figure, which leaves its start and end out.
    local rate
    rate=$(awk -F';' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "CallRate(C)") at = i }
        NR > 1 && NF >= at { last = $at }
        END { print last }' "$statistics")
    result "$calls" "$rate" "$(cpu "$callee")"
    stop_callee
}

viaload_round() {
    local port
    port=$(free_port)
    start_callee "$port" "$viaload" uas --listen "127.0.0.1:$port" --threads 1 \
        --cores "$callee_core" --view quiet
    call "$viaload" run --no-uas --target "127.0.0.1:$port" --ports 1 --threads 1 --cores "$caller_core" \
        --concurrency "$in_flight" --duration "$seconds" --view quiet \
        --json "$scratch/report.json"
    result "$(member calls completed)" "$(member rates completed)" "$(cpu "$callee")"
    stop_callee
}

# A number of the report: that of NAME in the object OBJECT.
member() {
    tr -d ' \n' <"$scratch/report.json" | grep -o "\"$1\":{[^}]*" | grep -o "\"$2\":[0-9.]*" |
        head -1 | cut -d: -f2
}

sockets_round() {
    taskset -c "$cores" cargo bench --quiet --package viaload --bench sockets -- \
        --pairs 1 --seconds "$seconds" --window "$in_flight" --plain
}

# The median of each column of the file.
medians() {
    local column
    for column in 1 2; do
        awk -v column=$column '{ print $column }' "$1" | sort -n |
            awk '{ at[NR] = $1 } END { print (at[int((NR + 1) / 2)] + at[int(NR / 2) + 1]) / 2 }'
    done | paste -sd ' '
}

kinds='viaload sockets'
! command -v sipp >/dev/null || kinds="sipp $kinds"
for _ in $(seq "$rounds"); do
    for kind in $kinds; do
        "${kind}_round" >>"$scratch/$kind"
    done
done

printf '%-10s %12s %12s %24s\n' '' calls/s messages/s 'CPU per message (µs)'
for kind in $kinds; do
    read -r rate micros < <(medians "$scratch/$kind")
    printf '%-10s %12.0f %12.0f %23.2f\n' "$kind" "$rate" \
        "$(awk "BEGIN { print 6 * $rate }")" "$micros"
done
