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
  echo "Code under test and what runs it, beside others, in one run on one machine:"
  echo
  {
    cargo bench --quiet -p headcrash-bench --bench code -- nothing 2> /dev/null
    cargo run --quiet --release --manifest-path crates/bench/peers/Cargo.toml 2> /dev/null
  } | awk -F ': ' '
    BEGIN { count = split("headcrash moonpool-sim shuttle store-io-sim turmoil", who, " ") }
    /^[a-z].*: [a-z-]+ +[0-9]+$/ {
      split($2, column, / +/)
      if (!($1 in seen)) { seen[$1] = 1; rows[++last] = $1 }
      figure[$1, column[1]] = column[2]
    }
    END {
      for (i = 1; i <= count; i++) { head = head " " who[i] " |"; line = line "---|" }
      print "| |" head
      print "|---|" line
      for (row = 1; row <= last; row++) {
        text = "| " rows[row] " |"
        for (i = 1; i <= count; i++) { text = text " " figure[rows[row], who[i]] " |" }
        print text
      }
    }'
  echo
  echo "Versions: moonpool-sim 0.8, shuttle 0.9, store-io-sim 0.4, turmoil 0.7 (without clients: turmoil-fs 0.1)."
  echo "Ours includes the trace's hash and a schedule that has the run again. In turmoil who is next is no"
  echo "choice, and a sleep has a grain of 1 ms. How many runs a bug takes, and how small its failure becomes:"
  echo "[the gallery](crates/subjects/GALLERY.md)."
  echo
} > "$figures"
sed -i -e '/^<!-- bench: /,/^<!-- bench end/{/^<!-- bench/!d}' -e "/^<!-- bench: /r $figures" README.md
