# Tekton Pipelines in the cluster, as Deployments.
# shellcheck shell=bash

install_tekton() {
    # Some of its definitions are too long for the annotation of a client-side apply.
    in_node kubectl apply --server-side -f "${DIR[tekton]}/manifests" >"$LOGS/tekton-install.log"
}

# tekton_ready: waits until it is. A webhook's pod is ready before the API server trusts its certificate, so a run is
# submitted for show.
tekton_ready() {
    in_node kubectl --namespace tekton-pipelines rollout status --timeout=120s \
        deployment/tekton-pipelines-controller deployment/tekton-pipelines-webhook >"$LOGS/tekton-rollout.log"
    await 30 "Tekton's webhooks" node_runs in_node kubectl create --dry-run=server -f "$HERE/tekton/probe.yaml"
}
