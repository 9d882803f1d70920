{{/* Labels of the objects around runs. They differ from the controller's own, by which its Service and NetworkPolicy select. */}}
{{- define "tidegate.runLabels" -}}
app.kubernetes.io/name: tidegate-runs
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: tidegate
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Where pods of runs may connect to: DNS, the Internet, and what the operator adds. */}}
{{- define "tidegate.runEgress" -}}
{{- $withheld := .policy.metadata -}}
{{- if eq .trust "untrusted" }}{{ $withheld = concat .policy.metadata .policy.internal }}{{ end -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
  to:
    {{- toYaml .policy.dnsTo | nindent 4 }}
- to:
    {{- range $family, $all := dict "v4" "0.0.0.0/0" "v6" "::/0" }}
    {{- $except := list }}
    {{- range $withheld }}
    {{- if eq (contains ":" .) (eq $family "v6") }}{{ $except = append $except . }}{{ end }}
    {{- end }}
    - ipBlock:
        cidr: {{ $all | quote }}
        {{- with $except }}
        except:
          {{- toYaml . | nindent 10 }}
        {{- end }}
    {{- end }}
{{- with .policy.egress }}
{{ toYaml . }}
{{- end }}
{{- if eq .trust "trusted" }}
{{- with .policy.trustedEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}
