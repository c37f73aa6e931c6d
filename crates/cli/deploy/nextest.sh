#!/usr/bin/env bash
# The committed scenarios as tests, divided over machines: part I of N. For fixed tests rather than for
# a search; each is a process of its own.
#
#   bash nextest.sh 1 4
#
# `hash:` keeps a test where it is when others are added; `slice:` makes parts of one size.
set -eu
exec cargo nextest run --test scenarios --partition "hash:$1/$2"
