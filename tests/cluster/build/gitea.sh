# Gitea with SQLite.
# shellcheck shell=bash

build_gitea() {
    local out=$1 work source folder
    work=$(mktemp -d "$out/work.XXXXXX")
    source=$(go_source code.gitea.io/gitea "$GITEA_VERSION" "$work")
    CGO_ENABLED=1 go_build "$source" "$work" -tags sqlite,sqlite_unlock_notify \
        -ldflags "-s -w -X main.Version=${GITEA_VERSION#v}" -o "$out/bin/gitea" .
    # Read at run time, as the build tag that embeds them needs a generator.
    mkdir "$out/static"
    for folder in options templates public; do
        cp -r --no-preserve=mode "$source/$folder" "$out/static/"
    done
    rm -r "$work"
}
