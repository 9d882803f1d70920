# What people see.
# shellcheck shell=bash

# say TEXT…: tells how far things are, with the seconds since the command began.
say() { printf '%3d s  %s\n' "$SECONDS" "$*"; }

# fail TEXT…: ends the command with an error.
fail() {
    printf 'cluster: %s\n' "$*" >&2
    exit 1
}

# await SECONDS WHAT CHECK COMMAND…: waits until a command succeeds. CHECK is a command that fails as soon as there is
# nothing left to wait for.
await() {
    local deadline=$((SECONDS + $1)) what=$2 check=$3
    shift 3
    ! "$@" >/dev/null 2>&1 || return 0
    say "waiting for $what"
    until "$@" >/dev/null 2>&1; do
        "$check" || fail "nothing is left that could bring $what"
        [ $SECONDS -lt $deadline ] || fail "gave up waiting for $what"
        sleep 0.1
    done
}
