# What the node's namespaces look like before its parts start.
# shellcheck shell=bash

# The pods' cgroups, in every hierarchy of cgroup v1. A new cpuset is empty and admits no process.
prepare_cgroups() {
    local hierarchy file
    for hierarchy in /sys/fs/cgroup/*/; do
        # cgroup v2 beside v1 has no controllers, and the kubelet doesn't use it.
        [ ! -e "$hierarchy/cgroup.controllers" ] || continue
        mkdir -p "$hierarchy/$CGROUP"
        for file in cpuset.cpus cpuset.mems; do
            [ ! -e "$hierarchy/$file" ] || cat "$hierarchy/$file" >"$hierarchy/$CGROUP/$file"
        done
    done
}

# What the parts write lies in memory. Some of their paths can't be set, so the machine's own folders are hidden there.
prepare_mounts() {
    local folder file sysctl
    hostname "$NODE"
    # Volumes that the kubelet mounts have to reach the containers.
    mount --make-rshared /
    mount_memory "$RUN"
    mkdir -p "$RUN"/var-lib/{upper,work}
    mount -t overlay -o "lowerdir=/var/lib,upperdir=$RUN/var-lib/upper,workdir=$RUN/var-lib/work" overlay /var/lib
    for folder in /run /var/log /var/lib/kubelet /var/lib/cni; do
        mount_memory "$folder"
    done
    mkdir -p /run/netns "$RUN/sysctl"
    # The kubelet sets these for the whole machine unless it finds them so. It finds files in their place.
    for sysctl in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
        kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
        file=$RUN/sysctl/$(tr / . <<<"${sysctl%=*}")
        echo "${sysctl#*=}" >"$file"
        mount --bind "$file" "/proc/sys/${sysctl%=*}"
    done
}

mount_memory() {
    mkdir -p "$1"
    mount -t tmpfs -o mode=755 tidegate-cluster "$1"
}

# The node's address is on a veth pair, both ends of which are here: the kernel may lack dummy devices.
prepare_network() {
    ip link set lo up
    ip link add node0 type veth peer name node0peer
    ip link set node0peer up
    ip address add "$NODE_IP/24" dev node0
    ip link set node0 up
    # A service's address needs a route, or no packet comes as far as kube-proxy's rules. There is no default route:
    # what isn't here is unreachable at once.
    ip route add "$SERVICE_CIDR" dev node0
    echo 1 >/proc/sys/net/ipv4/ip_forward
    # kube-proxy's rules have to see what goes from pod to pod over the bridge.
    echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
}
