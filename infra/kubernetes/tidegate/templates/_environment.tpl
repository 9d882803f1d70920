{{/*
The controller's environment: each value of `settings` becomes a variable, like TIDEGATE_MAX_RUNS from maxRuns. Null and
empty values are omitted: the controller has its own defaults.
*/}}
{{- define "tidegate.environment" -}}
- name: AWS_REGION
  value: {{ .Values.aws.region | quote }}
- name: TIDEGATE_LEASE_NAME
  value: {{ include "tidegate.controller" . }}
- name: TIDEGATE_POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- with .Values.serve.namespaces }}
- name: TIDEGATE_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "") (eq (toString $value) "[]")) }}
- name: TIDEGATE_{{ $name | snakecase | upper }}
  {{- if and (kindIs "slice" $value) (kindIs "map" (first $value)) }}
  value: {{ toJson $value | quote }}
  {{- else if kindIs "slice" $value }}
  value: {{ join "," $value | quote }}
  {{- else if kindIs "float64" $value }}
  value: {{ int64 $value | quote }}
  {{- else }}
  value: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
