#!/usr/bin/env bash
# A release build with what the compiler learned from watching the server under load (PGO).
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: pgo.sh ADDRESS:PORT    where the server listens while it is watched: 127.0.0.1:5099
The binary is in target/pgo/release. Undo: use that of `cargo build --release`.
RUSTFLAGS may say more: -Ctarget-cpu=native makes a binary for processors as this one.
Needs llvm-profdata of rustc's own LLVM version: `rustup component add llvm-tools`, or Debian's
llvm package of that number; LLVM_PROFDATA may name it.
TEXT
}

# How long the server is watched (seconds), with how many new calls a second.
readonly seconds=10 rate=500

[[ $# == 1 && $1 == *:* ]] || {
    usage >&2
    exit 2
}
cd "${BASH_SOURCE[0]%/*}/.."

# The tool that merges profiles: of the toolchain, or of the system.
find_profdata() {
    local host llvm
    host=$(rustc -vV | sed -n 's/^host: //p')
    llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
    local own
    own=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
    command -v "${LLVM_PROFDATA:-$own}" || command -v "llvm-profdata-$llvm" || {
        echo "pgo.sh: no llvm-profdata of LLVM $llvm" >&2
        usage >&2
        exit 1
    }
}
profdata=$(find_profdata)
profiles=$PWD/target/pgo/profiles
rm -rf "$profiles"
mkdir -p "$profiles"

RUSTFLAGS="${RUSTFLAGS-} -Cprofile-generate=$profiles" \
    cargo build --release --package viaduct --target-dir target/pgo/watched
cargo build --release --package viaload --target-dir target/pgo/load

# What arrives at the server on its way through the network is what it is to be fast with.
target/pgo/watched/release/viaduct run --listen "udp:$1" --workers 1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
until [[ -n $(ss -Hlun "sport = :${1##*:}") ]]; do
    kill -0 "$server"
    sleep 0.1
done
target/pgo/load/release/viaload run --target "$1" --users 100 --scenario mixed \
    --rate "$rate" --duration "$seconds"
# The profile is written as it ends.
kill "$server"
wait "$server"
trap - EXIT

"$profdata" merge --output "$profiles/all.profdata" "$profiles"/*.profraw
RUSTFLAGS="${RUSTFLAGS-} -Cprofile-use=$profiles/all.profdata" \
    cargo build --release --package viaduct --target-dir target/pgo
