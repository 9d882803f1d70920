# The node as one process, seen from outside: started, entered, ended.
# shellcheck shell=bash

# started_at PID: when a process started, in ticks since boot; nothing when it is gone or only waits to be reaped. With
# it a process id can't be mistaken for that of a later process (proc_pid_stat(5)).
started_at() {
    # Field 22; the second field, which may hold blanks, is cut off.
    sed -E 's/^.*\) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'
}

# node_runs: whether the node that `start_node` started still does.
node_runs() {
    local pid started
    read -r pid started 2>/dev/null <"$STATE/node.pid" && [ "$(started_at "$pid")" = "$started" ]
}

# node_init: the first process of the node's namespaces, by the machine's count.
node_init() {
    local pid
    read -r pid _ <"$STATE/node.pid" && pgrep --parent "$pid"
}

# start_node: in namespaces of its own, so that the end of one process is the end of all.
start_node() {
    case $STATE in
    /run/* | /var/log/* | /var/lib/*) fail "set TIDEGATE_CLUSTER_STATE to another folder: the node can't see $STATE" ;;
    esac
    mkdir -p "$LOGS"
    chmod 700 "$STATE"
    setsid unshare --net --mount --uts --ipc --pid --fork --kill-child --mount-proc \
        "$HERE/node/init.sh" </dev/null >"$LOGS/node.log" 2>&1 9>&- &
    echo "$! $(started_at $!)" >"$STATE/node.pid"
}

# enter_node: fills ENTER, the words before a command that runs in the node's namespaces. `ip netns exec` would remount
# /sys without the cgroups. The command dies with nsenter, which passes no signal on.
enter_node() {
    # kubectl would remember the kinds of an earlier cluster at the same address.
    export KUBECONFIG=$KEYS/admin.kubeconfig KUBECACHEDIR=$RUN/kubectl
    export CONTAINERD_ADDRESS=$RUN/containerd.sock CONTAINERD_NAMESPACE=k8s.io
    ENTER=(nsenter --target "$(node_init)" --net --mount --uts --ipc --pid --wdns="$PWD" setpriv --pdeathsig KILL)
}

# in_node COMMAND…: runs it in the node's namespaces.
in_node() {
    enter_node
    "${ENTER[@]}" "$@"
}

# stop_node: ends everything and removes what it made. Does nothing when there is nothing.
stop_node() {
    local init
    if node_runs; then
        init=$(node_init || cut -d ' ' -f 1 "$STATE/node.pid")
        kill -KILL "$init"
        await 30 'the end of all processes' true process_ended "$init"
    fi
    await 30 'the end of all cgroups' true remove_cgroups
    rm -rf --one-file-system "$STATE"
}

process_ended() { [ -z "$(started_at "$1")" ] && ! node_runs; }

remove_cgroups() {
    local folder
    for folder in /sys/fs/cgroup/*/"$CGROUP"; do
        [ ! -d "$folder" ] || find "$folder" -depth -type d -exec rmdir {} +
    done
}
