#!/usr/bin/env bash
# Measures, and writes the README's table of figures.
set -euo pipefail
cd "$(dirname "$0")/../.."

figures=$(mktemp)
trap 'rm -f "$figures"' EXIT
{
  echo
  echo "On $(nproc) cores, $(rustc --version | cut -d ' ' -f 1,2); figures are nanoseconds, the least of many rounds."
  echo
  echo "An announcement and a check, where one rule is hit again and again:"
  echo
  echo "| the other rules are | 10 rules | 1 000 | 1 000 000 | ratio |"
  echo "|---|---|---|---|---|"
  cargo bench --quiet -p headcrash-bench --bench engine -- nothing 2> /dev/null |
    awk '/^[a-z_]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+$/ { gsub("_", " ", $1); print "| " $1 " | " $2 " | " $3 " | " $4 " | " $5 " |" }'
  echo
  echo "The world, a trace's hash included:"
  echo
  echo "| | each |"
  echo "|---|---|"
  cargo bench --quiet -p headcrash-bench --bench world -- nothing 2> /dev/null |
    sed -nE 's/^([a-z].*[^ ]) +([0-9]+)$/| \1 | \2 |/p'
  cargo bench --quiet -p headcrash-bench --bench disks -- nothing 2> /dev/null |
    sed -nE 's/^([a-z].*[^ ]) +([0-9]+)$/| \1 | \2 |/p'
  echo
  echo "Others, for the same, on the same machine right after:"
  echo
  echo "| | each |"
  echo "|---|---|"
  cargo run --quiet --release --manifest-path crates/bench/peers/Cargo.toml 2> /dev/null |
    sed -nE 's/^([a-z].*[^ ]) +([0-9]+)$/| \1 | \2 |/p'
  echo
} > "$figures"
sed -i -e '/^<!-- bench: /,/^<!-- bench end/{/^<!-- bench/!d}' -e "/^<!-- bench: /r $figures" README.md
