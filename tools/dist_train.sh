#!/usr/bin/env bash
# Train on several devices of one machine, or of several (NNODES, NODE_RANK).
# Usage: tools/dist_train.sh CONFIG DEVICES [options of tools/train.py]
set -eu
[ $# -ge 2 ] || { sed -n '3s/^# //p' "$0"; exit 2; }
config=$1
devices=$2
shift 2
exec python -m torch.distributed.run \
    --nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}" \
    --master_addr "${MASTER_ADDR:-127.0.0.1}" \
    --master_port "${MASTER_PORT:-29500}" --nproc_per_node "$devices" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "$@"
