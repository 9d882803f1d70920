# What comes from Debian.
# shellcheck shell=bash

PACKAGES=(
    # the node
    containerd runc containernetworking-plugins iptables conntrack socat iproute2 procps util-linux
    # the images
    busybox-static git ca-certificates python3
    # building and starting; Go is expected, as Debian's is too old
    gcc libc6-dev curl openssl
)

# package_version PACKAGE: the installed version, or nothing.
package_version() {
    dpkg-query --show --showformat '${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p'
}

# install_packages: what is missing. Root only.
install_packages() {
    local package missing=()
    for package in "${PACKAGES[@]}"; do
        [ -n "$(package_version "$package")" ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Debian packages: installing ${missing[*]}"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
}
