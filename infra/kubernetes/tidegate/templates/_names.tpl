{{/* The prefix of all names: the release's name, with "tidegate" in it. */}}
{{- define "tidegate.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "tidegate.controller" -}}
{{ include "tidegate.fullname" . }}-controller
{{- end }}

{{- define "tidegate.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "tidegate.controller" .) -}}
{{- end }}

{{/* The Secret with static keys of AWS, or nothing. */}}
{{- define "tidegate.awsSecret" -}}
{{- if .Values.aws.accessKeyId -}}
{{ include "tidegate.controller" . }}-aws
{{- else -}}
{{ .Values.aws.existingSecret }}
{{- end -}}
{{- end }}

{{/* Labels that select the controller's objects. A Deployment's selector is immutable, so these must not change. */}}
{{- define "tidegate.selector" -}}
app.kubernetes.io/name: tidegate-controller
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tidegate.labels" -}}
{{ include "tidegate.selector" . }}
app.kubernetes.io/part-of: tidegate
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Spreads the replicas over nodes and zones, if possible. */}}
{{- define "tidegate.spread" -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" -}}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
{{ end }}
{{- end }}
