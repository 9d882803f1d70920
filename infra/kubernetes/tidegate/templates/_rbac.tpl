{{/*
The controller's rights on configs and runs, without Secrets. It creates no Pods: Tekton does.
*/}}
{{- define "tidegate.rules" -}}
# A patch maintains the finalizer.
- apiGroups: [tidegate.dev]
  resources: [integrationconfigs]
  verbs: [get, list, watch, patch]
# A patch cancels.
- apiGroups: [tidegate.dev]
  resources: [integrationjobs]
  verbs: [get, list, watch, create, patch]
# The ledger of each config; the objects are deleted with their config.
- apiGroups: [tidegate.dev]
  resources: [integrationledgers]
  verbs: [list, create, patch]
- apiGroups: [tidegate.dev]
  resources: [integrationconfigs/status, integrationjobs/status]
  verbs: [patch]
# With the admission plugin OwnerReferencesPermissionEnforcement, an owner may be set only with the right to set its finalizers.
- apiGroups: [tidegate.dev]
  resources: [integrationconfigs/finalizers, integrationjobs/finalizers]
  verbs: [update]
# A patch cancels.
- apiGroups: [tekton.dev]
  resources: [pipelineruns]
  verbs: [get, list, watch, create, patch]
- apiGroups: [tekton.dev]
  resources: [taskruns]
  verbs: [get, list, watch]
# To find out whether the pod of a failed task was deleted.
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
# A patch counts a repeated Event.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* A config names the Secret of its token, in its own namespace. Secrets are never listed. */}}
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
