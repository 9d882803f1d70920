# Images that are made of the machine's own Debian packages.
# shellcheck shell=bash

# pack ARCHIVE NAME:TAG ARGUMENT…: see image/archive.py.
pack() { "$HERE/image/archive.py" "$@"; }

# The image that the scenarios' jobs name, and Tekton's shell.
build_busybox() {
    mkdir "$1/images"
    pack "$1/images/busybox.tar" docker.io/library/busybox:1 --busybox
}

# build_checkout FOLDER [NAME:TAG ARGUMENT…]: the image of the checkout step, which jobs may use, too: git over HTTP with
# `git submodule`, a shell, certificates. A release
# has a name of its own for it, and packs it for other architectures, too.
build_checkout() {
    local core=/usr/lib/git-core
    mkdir "$1/images"
    pack "$1/images/checkout.tar" "${2:-localhost/tidegate/checkout:dev}" --busybox --certificates \
        --packaged /usr/bin/git --packaged "$core/git-remote-http" --link "git-remote-http=$core/git-remote-https" \
        --packaged "$core/git-submodule" --packaged "$core/git-sh-setup" --packaged "$core/git-sh-i18n" \
        --packaged "$core/git-sh-i18n--envsubst" --packaged /usr/share/git-core/templates/description "${@:3}"
}
