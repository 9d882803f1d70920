# Tekton Pipelines in the cluster, as Deployments.
# shellcheck shell=bash

install_tekton() {
    # Some of its definitions are too long for the annotation of a client-side apply.
    in_node kubectl apply --server-side -f "${DIR[tekton]}/manifests" >"$LOGS/tekton-install.log"
}

# tekton_ready: waits until it is. That the pod of its webhooks is ready does not say that the API server reaches and
# trusts them, so a run is submitted, as a dry run.
tekton_ready() {
    in_node kubectl --namespace tekton-pipelines rollout status --timeout=120s \
        deployment/tekton-pipelines-controller deployment/tekton-pipelines-webhook >"$LOGS/tekton-rollout.log"
    await 30 "Tekton's webhooks" node_runs \
        in_node kubectl create --dry-run=server -f "$HERE/tekton/probe.yaml"
}
