# etcd, where the API server keeps its objects.
# shellcheck shell=bash

build_etcd() {
    local out=$1 work source
    work=$(mktemp -d "$out/work.XXXXXX")
    source=$(go_source go.etcd.io/etcd/server/v3 "$ETCD_VERSION" "$work")
    # These replaces lead to sibling folders, which a published module doesn't have.
    sed -i -E '/=> \.\.?\//d' "$work/go.mod"
    CGO_ENABLED=0 go_build "$source" "$work" -ldflags '-s -w' -o "$out/bin/etcd" .
    rm -r "$work"
}
