#!/usr/bin/env bash
# Test on several devices of one machine, or of several (NNODES, NODE_RANK).
# Usage: tools/dist_test.sh CONFIG CHECKPOINT DEVICES [options of tools/test.py]
set -eu
[ $# -ge 3 ] || { sed -n '3s/^# //p' "$0"; exit 2; }
config=$1
checkpoint=$2
devices=$3
shift 3
exec python -m torch.distributed.run \
    --nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}" \
    --master_addr "${MASTER_ADDR:-127.0.0.1}" \
    --master_port "${MASTER_PORT:-29500}" --nproc_per_node "$devices" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "$@"
