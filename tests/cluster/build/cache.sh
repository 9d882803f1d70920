# Components are built once a machine: each lies in the cache, in a folder named by version and recipe.
# shellcheck shell=bash

COMPONENTS=(busybox checkout etcd kubernetes tekton gitea)

# component_version NAME: what is built. What comes from a Debian package has its version.
component_version() {
    case $1 in
    etcd) echo "$ETCD_VERSION" ;;
    kubernetes) echo "$KUBERNETES_VERSION" ;;
    tekton) echo "$TEKTON_VERSION" ;;
    gitea) echo "$GITEA_VERSION" ;;
    busybox) package_version busybox-static ;;
    checkout) package_version git ;;
    *) fail "no component is named $1" ;;
    esac
}

# component_dir NAME: the component's folder in the cache, built or not. The last part of its name is a digest of the
# functions that build it (so that comments don't count) and of the script that packs its images.
component_dir() {
    local version recipe
    version=$(component_version "$1")
    recipe=$({
        declare -f "build_$1" go_source go_build pack
        cat "$HERE/image/archive.py"
    } | sha256sum | cut -c 1-12)
    echo "$CACHE/$1-${version//[^a-z0-9.+-]/_}-$recipe"
}

# use_components: fills DIR, from a component's name to its folder, and makes programs that were built commands.
use_components() {
    local name
    declare -gA DIR=()
    for name in "${COMPONENTS[@]}"; do
        DIR[$name]=$(component_dir "$name")
        [ ! -d "${DIR[$name]}/bin" ] || PATH=${DIR[$name]}/bin:$PATH
    done
}

# build: makes what is missing. A broken build leaves nothing that looks whole: the folder gets its name at the end.
build() {
    local name dir partial started
    check_machine
    install_packages
    mkdir -p "$CACHE"
    exec 9>"$CACHE/lock"
    flock --nonblock 9 || { say 'waiting for another build' && flock 9; }
    rm -rf "$CACHE"/partial.*
    for name in "${COMPONENTS[@]}"; do
        dir=$(component_dir "$name")
        if [ -d "$dir" ]; then
            say "$(basename "$dir"): from the cache"
            continue
        fi
        say "$(basename "$dir"): building"
        started=$SECONDS
        partial=$(mktemp -d "$CACHE/partial.XXXXXX")
        # A process of its own, as a function's `set -e` means nothing within a condition.
        if ! nice -n 5 "$HERE/cluster" build-component "$name" "$partial" >"$CACHE/$name.log" 2>&1; then
            tail -n 20 "$CACHE/$name.log" >&2
            fail "failed to build $name; the whole log is $CACHE/$name.log"
        fi
        chmod 755 "$partial"
        mv -T "$partial" "$dir"
        say "$(basename "$dir"): built in $((SECONDS - started)) s, $(du -sh "$dir" | cut -f 1)"
    done
    exec 9>&-
    say "all components are in $CACHE"
}
