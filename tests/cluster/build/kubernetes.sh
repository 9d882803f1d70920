# Kubernetes: the control plane, the node's agents, kubectl, and the image of the pause container.
# shellcheck shell=bash

build_kubernetes() {
    local out=$1 work source version program programs=()
    work=$(mktemp -d "$out/work.XXXXXX")
    source=$(go_source k8s.io/kubernetes "$KUBERNETES_VERSION" "$work")
    # The staging folders are modules of their own: v1.X.Y of Kubernetes is v0.X.Y of each.
    sed -i -E "s#=> \./staging/src/(.*)#=> \1 v0.${KUBERNETES_VERSION#v1.}#" "$work/go.mod"
    # Clients read the server's version, which a build by `make` would set.
    version=k8s.io/component-base/version
    for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
        programs+=("./cmd/$program")
    done
    mkdir "$out/bin" "$out/images"
    CGO_ENABLED=0 go_build "$source" "$work" -o "$out/bin/" -ldflags "-s -w \
        -X $version.gitVersion=$KUBERNETES_VERSION -X $version.gitTreeState=clean \
        -X $version.gitMajor=1 -X $version.gitMinor=$(cut -d . -f 2 <<<"$KUBERNETES_VERSION")" "${programs[@]}"
    gcc -Os -static -s -DVERSION="$KUBERNETES_VERSION" -o "$work/pause" "$source/build/pause/linux/pause.c"
    pack "$out/images/pause.tar" localhost/pause:1 --file "$work/pause=/pause" --entrypoint /pause --user 65535
    rm -r "$work"
}
