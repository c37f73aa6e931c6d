#!/bin/sh
# Finds bugs of published versions again, and writes the table of README.md.
#
# Each version is a workspace of its own below versions/, and runs the same campaigns of the same
# guest: one that fails in the buggy version, and holds in the fixed one. They are built one at a
# time, into one target directory.
#
#     crates/subjects/known-bugs.sh           all of them, and the table
#     crates/subjects/known-bugs.sh fatfs     those of one crate; no table
set -eu
cd "$(dirname "$0")"
only=${1:-}
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/../../target}"
export HEADCRASH_FAILURES="$CARGO_TARGET_DIR/known-bugs"
table=$(mktemp)
trap 'rm -f "$table"' EXIT

# What one campaign of one version came to: name, outcome, runs, seconds, operations.
campaign() {
    (cd "versions/$1-$2" && cargo run --release --quiet -- "$3" 2>/dev/null) || true
}

# Crate, buggy and fixed version, campaign, seeds at most, what is wrong.
bug() {
    if [ -n "$only" ] && [ "$only" != "$1" ]; then return; fi
    export KNOWN_BUGS_RUNS="$5"
    buggy=$(campaign "$1" "$2" "$4")
    fixed=$(campaign "$1" "$3" "$4")
    field() { printf '%s' "$1" | cut -f "$2"; }
    found="not found with $5 seeds | | |"
    if [ "$(field "$buggy" 2)" != holds ]; then
        found="$(field "$buggy" 2) | $(field "$buggy" 3) | $(field "$buggy" 4) | $(field "$buggy" 5)"
    fi
    control="none in $(field "$fixed" 3) runs"
    if [ "$(field "$fixed" 2)" != holds ]; then
        control="$(field "$fixed" 2) in run $(field "$fixed" 3)"
    fi
    row="| $1 | $2 | $6 | $4 | $found | $3: $control |"
    echo "$row"
    echo "$row" >> "$table"
}

bug redb 4.1.0 4.2.0 "power cuts, posix_strict" 1000 \
    "a crash in a commit that grows the file leaves a database that cannot be opened"
bug redb 2.1.1 2.1.2 "closed and verified, each operation fails once" 8 \
    "one error that passes, in a commit: closed well, and damaged when it is opened again"
bug redb 4.3.0 4.4.0 "verified, no faults" 300 \
    "a transaction that made the file longer is aborted: the database calls itself damaged"
bug raft-engine 0.2.1 0.2.2 "errors of writes" 1000 \
    "a write that is done in part, then an error: what is acknowledged later cannot be read"
bug embedded-sdmmc 0.8.0 0.8.1 "no faults, files that only grow" 200 \
    "the second allocation table is not kept up to date"
bug embedded-sdmmc 0.8.1 0.8.2 "no faults" 200 \
    "a write that begins at a block inside a file zeroes the rest of the block"
bug fatfs 0.3.4 0.3.5 "no faults" 100 \
    "a directory that grows past a cluster is corrupted"
bug sequential-storage 4.0.1 4.0.2 "a wrong read" 2000 \
    "one wrong read loses an item, or reports corruption for good"
bug sequential-storage 8.0.0 8.0.1 "power cuts between words" 20000 \
    "a store cut off, then a remove cut off: an old value comes back"
bug turso_core 0.7.2 0.8.0 "power cuts, ext4_ordered" 1000 \
    "a log whose database file is empty, as that was never synced, is left out: all of it is lost"
[ -z "$only" ] || exit 0
{
    sed '/^<!-- known bugs: begin -->$/q' README.md
    echo
    echo "| crate | version | bug | campaign | outcome | runs | seconds | operations | fixed |"
    echo "|---|---|---|---|---|---|---|---|---|"
    cat "$table"
    echo
    sed -n '/^<!-- known bugs: end -->$/,$p' README.md
} > README.md.new
mv README.md.new README.md
