{{/*
All that the controller asks of the Kubernetes API about configs and runs, but Secrets. It makes no Pods: Tekton does.
*/}}
{{- define "tidegate.rules" -}}
# Patching keeps the finalizer.
- apiGroups: [tidegate.dev]
  resources: [integrationconfigs]
  verbs: [get, list, watch, patch]
# Patching cancels.
- apiGroups: [tidegate.dev]
  resources: [integrationjobs]
  verbs: [get, list, watch, create, patch]
# What is remembered of each config's repository; the objects go with their config.
- apiGroups: [tidegate.dev]
  resources: [integrationledgers]
  verbs: [list, create, patch]
- apiGroups: [tidegate.dev]
  resources: [integrationconfigs/status, integrationjobs/status]
  verbs: [patch]
# Where owner references are guarded, an owner may be named only by whoever may set its finalizers.
- apiGroups: [tidegate.dev]
  resources: [integrationconfigs/finalizers, integrationjobs/finalizers]
  verbs: [update]
# Patching cancels.
- apiGroups: [tekton.dev]
  resources: [pipelineruns]
  verbs: [get, list, watch, create, patch]
- apiGroups: [tekton.dev]
  resources: [taskruns]
  verbs: [get, list, watch]
# Whether the pod of a failed task was deleted under it.
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
# Patching counts an Event that comes again.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* A config's token lies in a Secret beside the config, which it names: none is ever listed. */}}
{{- define "tidegate.secretRules" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}

{{- define "tidegate.subjects" -}}
- kind: ServiceAccount
  name: {{ include "tidegate.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
