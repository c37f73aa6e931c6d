#!/usr/bin/env bash
# One campaign as a Slurm job array: each task is a shard, and writes a results file of its own.
#
#   sbatch --array=1-20 --wait slurm.sh scenarios/
#   bash merge.sh
#
# A task that was ended goes on where its results file ends: `--requeue`, or submit it again.
# Tasks cost a second or two to start: take shards that run for minutes.
#SBATCH --job-name=headcrash
#SBATCH --cpus-per-task=2
#SBATCH --requeue
set -u
results=${RESULTS:-results}
mkdir -p "$results"
of=$SLURM_ARRAY_TASK_COUNT
part=$((SLURM_ARRAY_TASK_ID - ${SLURM_ARRAY_TASK_MIN:-1} + 1))
"${HEADCRASH:-headcrash}" explore "$@" \
  --runs "${RUNS:-1000000}" \
  --shard "$part/$of" \
  --jobs "${JOBS:-${SLURM_CPUS_PER_TASK:-2}}" \
  --shrink "${SHRINK:-5000}" \
  --failures "$results/failures" \
  --results "$results/$part-of-$of.jsonl"
status=$?
# Findings are what the report tells of; a task fails if it could not do its work.
[ "$status" -le 1 ] && exit 0
exit "$status"
