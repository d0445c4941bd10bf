#!/bin/sh
# One machine's part of a training: deploy/train.sh model3. Slurm (deploy/train.slurm) and Kubernetes
# (deploy/train.kubernetes.yaml) start it on every machine, in the same shared folder. From the
# environment:
#   NODES      machines (1)
#   PROCESSES  each machine's, one a GPU (gpu: as many as it has)
#   FIRST      host:port at which they meet: the first machine, by the name that it gives itself, or
#              by its ADDRESS (127.0.0.1:29500)
#   ADDRESS    this machine's own, where its name does not resolve to one that the others reach; then
#              GLOO_SOCKET_IFNAME (CPUs) or NCCL_SOCKET_IFNAME (GPUs) names its network interface too
#   ID         the same on all machines, and no other training's (colorizer)
#   RESTARTS   how often dead processes are replaced (3)
set -e
model=${1:?name the network: deploy/train.sh model3}
export PYTHONPATH="src${PYTHONPATH:+:$PYTHONPATH}"
# the rendezvous `c10d` may give each restart a store of its own; a shared one, as that of the static
# rendezvous, shows the addresses of the dead
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
if [ -n "${ADDRESS:-}" ]; then
    [ "${FIRST%:*}" = "$ADDRESS" ] && listens=1 || listens=0
    set -- --local-addr "$ADDRESS" --rdzv-conf "is_host=$listens"
else
    set --
fi
exec "${PYTHON:-python3}" -m torch.distributed.run \
    --nnodes "${NODES:-1}" --nproc-per-node "${PROCESSES:-gpu}" \
    --rdzv-backend c10d --rdzv-endpoint "${FIRST:-127.0.0.1:29500}" --rdzv-id "${ID:-colorizer}" \
    --max-restarts "${RESTARTS:-3}" "$@" stages/train.py "$model"
