#!/usr/bin/env bash
# What all shards found, as one campaign: exit code 1 if there is a finding, 2 if a shard is missing.
set -eu
results=${RESULTS:-results}
exec "${HEADCRASH:-headcrash}" report "$results"/*.jsonl
