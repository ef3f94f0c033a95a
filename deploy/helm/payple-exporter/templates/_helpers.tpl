{{- define "payple.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $full = ternary $name $full (hasPrefix .Release.Name $name) -}}
{{- default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "payple.selector" -}}
app.kubernetes.io/name: payple-exporter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "payple.labels" -}}
{{ include "payple.selector" . }}
app.kubernetes.io/part-of: payple-exporter
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "payple.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "payple.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "payple.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Prefix of the exporter's own paths, as the exporter works it out: without a slash at its end. */}}
{{- define "payple.prefix" -}}
{{- default (get (urlParse .Values.externalUrl) "path") .Values.routePrefix | trimSuffix "/" -}}
{{- end -}}

{{/* A merchant's name, and the file of its key. */}}
{{- define "payple.name" -}}{{ default .cst_id .name }}{{- end -}}

{{- define "payple.secretName" -}}
{{- if eq .Values.keys.from "externalSecret" -}}
{{ include "payple.fullname" . }}-custkeys
{{- else -}}
{{ .Values.keys.secret }}
{{- end -}}
{{- end -}}

{{- define "payple.keyFile" -}}
{{- $key := default (include "payple.name" .merchant) .merchant.key -}}
{{- if not (regexMatch "^[-._a-zA-Z0-9]+$" $key) -}}
{{- fail (printf "merchant %q: give it a key, the name of its key's file: letters, digits, '-', '_' and '.' alone" (include "payple.name" .merchant)) -}}
{{- end -}}
{{- if eq .root.Values.keys.from "secret" -}}
{{ default (include "payple.secretName" .root) .merchant.secret }}/{{ $key }}
{{- else -}}
{{ $key }}
{{- end -}}
{{- end -}}

{{/* The merchants file. */}}
{{- define "payple.merchants" -}}
hub: {{ .Values.hub | quote }}
{{- with .Values.minInterval }}
min_interval: {{ . }}
{{- end }}
merchants:
{{- range .Values.merchants }}
  - name: {{ include "payple.name" . | quote }}
    cst_id: {{ .cst_id | quote }}
    cust_key_file: /run/secrets/payple/{{ include "payple.keyFile" (dict "root" $ "merchant" .) }}
    {{- with .hub }}
    hub: {{ . | quote }}
    {{- end }}
    {{- with .contact }}
    contact: {{ . | quote }}
    {{- end }}
    {{- with .thresholds }}
    thresholds:
      {{- range $severity, $thresholds := . }}
      {{ $severity }}:
        {{- range (kindIs "slice" $thresholds | ternary $thresholds (list $thresholds)) }}
        - {{ kindIs "float64" . | ternary (. | int64) . }}
        {{- end }}
      {{- end }}
    {{- end }}
{{- end }}
{{- end -}}

{{/*
Whose money the exporter shows: hub, partner id and key of every merchant. Pods that differ in it must never be scraped side by side, or two
accounts would be shown as one.
*/}}
{{- define "payple.accounts" -}}
{{- $accounts := list .Values.keys.from -}}
{{- range .Values.merchants -}}
{{- $accounts = append $accounts (list (include "payple.name" .) .cst_id (default $.Values.hub .hub) (include "payple.keyFile" (dict "root" $ "merchant" .)) .remoteRef) -}}
{{- end -}}
{{- toJson $accounts | sha256sum | trunc 10 -}}
{{- end -}}
