# The parts of the node, and how each is started.
# shellcheck shell=bash

# Process id → name.
declare -A PARTS=()

# parts_run: fails when one has ended.
parts_run() {
    local pid
    for pid in "${!PARTS[@]}"; do
        kill -0 "$pid" 2>/dev/null || fail "${PARTS[$pid]} ended; its log is $LOGS/${PARTS[$pid]}.log"
    done
}

# start NAME COMMAND…: starts a part, whose output goes to a log. The parts are Go programs with small heaps on a machine with
# much memory: they collect garbage a quarter as often.
start() {
    local name=$1
    shift
    GOGC=400 "$@" >"$LOGS/$name.log" 2>&1 &
    PARTS[$!]=$name
    say "$name started"
}

# render FILE: a settings file of this folder with the cluster's values in it.
render() {
    sed -e "s#@RUN@#$RUN#g; s#@KEYS@#$KEYS#g; s#@CGROUP@#$CGROUP#g; s#@NODE_IP@#$NODE_IP#g" \
        -e "s#@POD_CIDR@#$POD_CIDR#g; s#@GITEA_URL@#$GITEA_URL#g; s#@STATIC@#${DIR[gitea]}/static#g" "$HERE/$1"
}

start_etcd() {
    local client=http://127.0.0.1:2379 peer=http://127.0.0.1:2380
    start etcd etcd --data-dir "$RUN/etcd" --unsafe-no-fsync \
        --listen-client-urls $client --advertise-client-urls $client \
        --listen-peer-urls $peer --initial-advertise-peer-urls $peer --initial-cluster default=$peer
}

start_apiserver() {
    # Its webhooks are reached at their endpoints, and the kubelet at its address: no name is ever looked up.
    start kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
        --bind-address="$NODE_IP" --advertise-address="$NODE_IP" --service-cluster-ip-range="$SERVICE_CIDR" \
        --enable-aggregator-routing=true --kubelet-preferred-address-types=InternalIP \
        --tls-cert-file="$KEYS/apiserver.crt" --tls-private-key-file="$KEYS/apiserver.key" \
        --client-ca-file="$KEYS/ca.crt" --kubelet-certificate-authority="$KEYS/ca.crt" \
        --kubelet-client-certificate="$KEYS/kubelet-client.crt" --kubelet-client-key="$KEYS/kubelet-client.key" \
        --service-account-issuer=https://kubernetes.default.svc.cluster.local \
        --service-account-key-file="$KEYS/service-account.pub" \
        --service-account-signing-key-file="$KEYS/service-account.key" \
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true
}

# They give up within seconds without an API server.
start_control_loops() {
    start kube-controller-manager kube-controller-manager \
        --kubeconfig="$KEYS/controller-manager.kubeconfig" --bind-address=127.0.0.1 --leader-elect=false \
        --use-service-account-credentials=true --root-ca-file="$KEYS/ca.crt" \
        --service-account-private-key-file="$KEYS/service-account.key"
    start kube-scheduler kube-scheduler \
        --kubeconfig="$KEYS/scheduler.kubeconfig" --bind-address=127.0.0.1 --leader-elect=false
    # Connection tracking is tuned for the whole machine, so it is left alone.
    start kube-proxy kube-proxy \
        --kubeconfig="$KEYS/proxy.kubeconfig" --hostname-override="$NODE" --proxy-mode=iptables \
        --cluster-cidr="$POD_CIDR" --bind-address="$NODE_IP" --conntrack-max-per-core=0 \
        --conntrack-tcp-timeout-established=0s --conntrack-tcp-timeout-close-wait=0s
}

start_containerd() {
    mkdir -p "$RUN/cni"
    render node/containerd.toml >"$RUN/containerd.toml"
    render node/cni.conflist >"$RUN/cni/tidegate.conflist"
    start containerd containerd --config "$RUN/containerd.toml"
}

# load_cached_images: Tekton's, the pause container's and those of the tests.
load_cached_images() {
    local folder archive
    await 30 containerd parts_run ctr version
    for folder in "${DIR[@]}"; do
        for archive in "$folder"/images/*.tar; do
            [ ! -e "$archive" ] || ctr images import "$archive"
        done
    done
    say 'images are loaded'
}

start_kubelet() {
    render node/kubelet.yaml >"$RUN/kubelet.yaml"
    # Containers find no name server, and know so at once.
    echo "nameserver $NODE_IP" >"$RUN/resolv.conf"
    start kubelet kubelet --config="$RUN/kubelet.yaml" \
        --kubeconfig="$KEYS/kubelet.kubeconfig" --hostname-override="$NODE" --node-ip="$NODE_IP"
}

start_gitea() {
    mkdir -p "$RUN/gitea/home"
    render gitea/app.ini >"$RUN/gitea/app.ini"
    start gitea env HOME="$RUN/gitea/home" gitea web --config "$RUN/gitea/app.ini"
}
