# Programs that are published as Go modules, built with the versions that upstream pinned.
# shellcheck shell=bash

export GOTOOLCHAIN=local GOWORK=off

# go_source MODULE VERSION DIRECTORY: downloads a module and prints where its sources lie. Its go.mod and go.sum are
# copied to the directory, to be edited there.
go_source() {
    local source
    go mod download "$1@$2"
    source=$(go list -m -f '{{.Dir}}' "$1@$2")
    cp --no-preserve=mode "$source/go.mod" "$source/go.sum" "$3/"
    echo "$source"
}

# go_build SOURCE DIRECTORY ARGUMENT…: `go build` with the module as main module, which only then keeps to its own
# replaces, and with the go.mod of the directory. Sums that upstream lacks are checked against the sum database.
go_build() {
    local source=$1 modfile=$2/go.mod
    shift 2
    (cd "$source" && go build -mod=mod -modfile="$modfile" -trimpath -buildvcs=false "$@")
}
