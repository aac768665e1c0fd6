apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}-shop
  labels: {{- include "shop.labels" . | nindent 4 }}
automountServiceAccountToken: true
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-shop
  labels: {{- include "shop.labels" . | nindent 4 }}
data:
  kube-version: {{ .Capabilities.KubeVersion.Version | quote }}
  settings.yaml: |
    replicas: {{ .Values.replicas }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-shop
  labels: {{- include "shop.labels" . | nindent 4 }}
spec:
  type: ClusterIP
  ports:
    - port: {{ .Values.service.port }}
      targetPort: http
      protocol: TCP
      name: http
  selector:
    app.kubernetes.io/name: {{ .Chart.Name }}
    app.kubernetes.io/instance: {{ .Release.Name }}
---
{{- if .Values.route.enabled }}
apiVersion: gateway.networking.k8s.io/v1beta1
kind: HTTPRoute
metadata:
  name: {{ .Release.Name }}-shop
  labels: {{- include "shop.labels" . | nindent 4 }}
spec:
  parentRefs:
    - name: {{ .Release.Name }}-gateway
  hostnames: {{- toYaml .Values.route.hostnames | nindent 4 }}
  rules:
    - matches:
        - path: {type: PathPrefix, value: /}
      backendRefs:
        - name: {{ .Release.Name }}-shop
          port: {{ .Values.service.port }}
{{- end }}
