#!/usr/bin/env bash
# Measures how soon planted bugs are found, and writes the tables of GALLERY.md.
set -euo pipefail
cd "$(dirname "$0")"

tables=$(mktemp) failures=$(mktemp -d)
trap 'rm -rf "$tables" "$failures"' EXIT
HEADCRASH_FAILURES=$failures \
  cargo run --quiet --release -p headcrash-subjects --example gallery -- "${@:-100}" > "$tables"
sed -i -e '/^<!-- gallery: /,/^<!-- gallery end/{/^<!-- gallery/!d}' \
  -e "/^<!-- gallery: /r $tables" GALLERY.md
