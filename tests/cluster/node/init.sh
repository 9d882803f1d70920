#!/usr/bin/env bash
# The first process of the node's namespaces: prepares them and starts the parts. It ends with the first part that ends,
# and the kernel then ends all others.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for file in "$HERE"/{settings,progress}.sh "$HERE"/build/*.sh "$HERE"/node/{namespaces,keys,parts}.sh; do
    # shellcheck source=/dev/null
    . "$file"
done
use_components
export KUBECONFIG=$KEYS/admin.kubeconfig CONTAINERD_ADDRESS=$RUN/containerd.sock CONTAINERD_NAMESPACE=k8s.io

prepare_cgroups
prepare_mounts
prepare_network

start_etcd
start_containerd
start_gitea
make_keys
start_apiserver
load_cached_images &
loading=$!
await 60 'the API server' parts_run kubectl get --raw /readyz
start_control_loops
wait "$loading"
start_kubelet

# Orphans of ended containers are this process's children too, but not among the parts.
wait -n -p ended "${!PARTS[@]}" || true
fail "${PARTS[$ended]} ended; its log is $LOGS/${PARTS[$ended]}.log"
