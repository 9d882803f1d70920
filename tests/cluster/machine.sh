# What the cluster expects of the machine.
# shellcheck shell=bash

# machine_lacks: prints what is missing, a line each.
machine_lacks() {
    [ "$(id -u)" = 0 ] || echo 'root'
    command -v apt-get >/dev/null || echo "Debian's packages"
    command -v go >/dev/null || echo 'Go'
    [ -d /sys/fs/cgroup/cpuset ] && [ -d /sys/fs/cgroup/memory ] || echo 'cgroup v1'
    unshare --net --mount --pid --fork true 2>/dev/null || echo 'the right to make namespaces'
}

# check_machine: ends the command with the exit code 3 when something is missing.
check_machine() {
    local missing
    missing=$(machine_lacks)
    [ -n "$missing" ] || return 0
    printf 'cluster: this machine lacks %s\n' "$(paste --serial --delimiters , <<<"$missing")" >&2
    exit 3
}
