# Tekton Pipelines: its images, and its manifests with these images in them.
# shellcheck shell=bash

build_tekton() {
    local out=$1 work source generator file program
    work=$(mktemp -d "$out/work.XXXXXX")
    source=$(go_source github.com/tektoncd/pipeline "$TEKTON_VERSION" "$work")
    # The generator of upstream's API pages is no part of any program, and not every module proxy serves it.
    generator=github.com/ahmetb/gen-crd-api-reference-docs
    go mod edit -droprequire "$generator" -dropreplace "$generator" "$work/go.mod"
    mkdir "$out/images" "$out/manifests"
    for program in controller webhook entrypoint nop workingdirinit; do
        CGO_ENABLED=0 go_build "$source" "$work" -ldflags '-s -w' -o "$work/$program" "./cmd/$program"
        pack "$out/images/$program.tar" "localhost/tekton/$program:$TEKTON_VERSION" \
            --file "$work/$program=/ko-app/$program" --entrypoint "/ko-app/$program" --certificates
    done

    # Left out: the autoscaler, which needs a metrics server, and the controller of cloud events.
    for file in "$source"/config/100-namespace/*.yaml "$source"/config/300-crds/*.yaml "$source"/config/*.yaml; do
        case $(basename "$file") in
        webhook-hpa.yaml | events.yaml) continue ;;
        esac
        sed -E -e "s#ko://github.com/tektoncd/pipeline/cmd/([a-z]+)#localhost/tekton/\1:$TEKTON_VERSION#" \
            -e 's#"cgr.dev/chainguard/busybox@[^"]*"#"docker.io/library/busybox:1"#' \
            "$file" >"$out/manifests/$(basename "$file")"
    done
    # Upstream's probes begin after 5 s and come every 10 s: most of the time until Tekton is ready.
    sed -i -e 's/initialDelaySeconds: 5/initialDelaySeconds: 1/' \
        -e '/readinessProbe:/,/timeoutSeconds/s/periodSeconds: 10/periodSeconds: 1/' \
        "$out/manifests/controller.yaml" "$out/manifests/webhook.yaml"
    rm -r "$work"
}
