# What the cluster is made of, where it lies and which addresses it has. Sourced by everything else.
# shellcheck shell=bash disable=SC2034

ETCD_VERSION=v3.6.16
KUBERNETES_VERSION=v1.34.4
TEKTON_VERSION=v1.6.2
GITEA_VERSION=v1.26.0

# Everything the node runs is in one network namespace, and so are the tests. Nothing is reachable from outside.
NODE=node1
NODE_IP=10.77.0.1
POD_CIDR=10.244.0.0/24
SERVICE_CIDR=10.96.0.0/16
API_SERVICE_IP=10.96.0.1
GITEA_URL=http://$NODE_IP:3000

# Built components, by version.
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/cluster
# What `up` tells its users, and the logs. All else of the running cluster lies in memory, beneath RUN in the node's
# mount namespace, and ends with it.
STATE=${TIDEGATE_CLUSTER_STATE:-/tmp/tidegate-cluster}
RUN=$STATE/run
KEYS=$STATE/keys
LOGS=$STATE/logs
CGROUP=tidegate-cluster-$(cksum <<<"$STATE" | cut -d ' ' -f 1)
