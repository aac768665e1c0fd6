export { type Access, requestFields, tokenFields } from "./access-rules.ts";
export { type MtlsModeName, mtlsModes } from "./authentication-policy.ts";
export {
  type AccessReview,
  accessReviewSchema,
  rulesReviewSchema,
  type SubjectReview,
  subjectReviewSchema,
} from "./access-review.ts";
export {
  changeMessageAnnotation,
  minTlsVersionOption,
  outboundTrafficAnnotation,
  ownOptionPrefix,
  proxyProtocolAnnotation,
  sourceCommitAnnotation,
} from "./annotations.ts";
export {
  AuditChain,
  type AuditEntry,
  type AuditFields,
  type AuditHead,
  auditListSchema,
  type AuditVerdict,
  auditVerdictSchema,
  firstHash,
  sealEntry,
} from "./audit-entry.ts";
export { decodeMessage } from "./decode.ts";
export { deletionOfKey, keyOfDeletion } from "./deletion-key.ts";
export { durationText, parseDurationMs } from "./duration.ts";
export { serviceNameLabel } from "./endpoint-slice.ts";
export { hasVirtualAddresses } from "./external-service-checks.ts";
export {
  dnsLabel,
  labelValue,
  objectName,
  portName,
  serviceName,
} from "./formats.ts";
export { weftControllerName, weftGatewayClassName } from "./gateway-class.ts";
export {
  type BackendView,
  type EndpointExplanation,
  type Explanation,
  explanationSchema,
  type Hop,
  maxOtherRules,
  maxToldEndpoints,
  type Outcome,
  type PolicyView,
  type RouteView,
  type SettingView,
  type SourceRef,
} from "./explanation.ts";
export {
  type ExplainRequest,
  explainRequestSchema,
  type SimulatedCaller,
  type SimulatedRequest,
} from "./simulated-request.ts";
export { defineKind, type Validated } from "./kind-definition.ts";
export {
  type ApiObject,
  apiVersionOf,
  changeIssues,
  type EndpointSlice,
  type ExternalService,
  findKind,
  isKindName,
  isOfKind,
  isStored,
  type KindName,
  kindNames,
  kinds,
  type ConfigRollout,
  type MeshConfig,
  type MeshWorkload,
  type ObjectOfKind,
  parseObject,
  type Service,
  servedVersions,
  type Stored,
  type StoredOfKind,
} from "./kinds.ts";
export { openApiSchema } from "./openapi-schema.ts";
export { tableCells, tableColumns } from "./table.ts";
export { type KubeStatus, kubeStatusSchema } from "./kube-status.ts";
export { acceptLockoutField } from "./lock-out.ts";
export { hundredths, milliseconds } from "./measures.ts";
export { meshConfigName } from "./mesh-config.ts";
export {
  type PlaintextCallerList,
  plaintextCallerListSchema,
  type RefusalList,
  refusalListSchema,
  type RefusalView,
} from "./policy-reports.ts";
export {
  type AuthorityStatus,
  type CertificatesStatus,
  certificatesSchema,
  type CertificateStatus,
  type RevocationRequest,
  revocationRequestSchema,
  type RotationRequest,
  rotationRequestSchema,
  type RotationStatus,
  rotationStatusSchema,
} from "./certificates.ts";
export type { ObservabilitySettings } from "./mesh-observability.ts";
export { type MeshStatus, meshStatusSchema, type ProxyStatus } from "./mesh-status.ts";
export { namespacedMetadata } from "./metadata.ts";
export {
  checkMetricsAnnotations,
  metricsAnnotations,
  type MetricsPlace,
  metricsPlace,
} from "./metrics-annotations.ts";
export { joinPath } from "./field-path.ts";
export { withoutUnknownFields } from "./unknown-fields.ts";
export { keyOf, keyText, namespaceOf, type ObjectKey } from "./object-key.ts";
export { type PolicyTargetKind, policyTargets } from "./policy-targets.ts";
export { type PrometheusTargets, prometheusTargetsSchema } from "./prometheus-targets.ts";
export type { RateLimitKeyField } from "./rate-limit-policy.ts";
export { gatewayGroup, weftGroup } from "./references.ts";
export { type SecurityTargetKind, securityTargets } from "./security-targets.ts";
export {
  integer,
  list,
  object,
  oneOf,
  optional,
  port,
  text,
  textMap,
  type ValueOf,
} from "./schema.ts";
export {
  type LabelRequirement,
  labelRequirements,
  matchLabels,
  matchRequirements,
  parseLabelSelector,
} from "./selector.ts";
export { type TelemetryTargetKind, telemetryTargets } from "./telemetry-policy.ts";
export { joinAudience, type TokenRequest, tokenRequestSchema } from "./token-request.ts";
export {
  maxHistoryPoints,
  type ServiceSummaries,
  serviceSummariesSchema,
  type ServiceSummary,
} from "./service-summaries.ts";
export { serviceViewBounds, type ServiceViewDocument, serviceViewSchema } from "./service-view.ts";
export { type SignalsDocument, signalsSchema } from "./signals.ts";
export { type FindingDocument, type FindingList, findingListSchema, maxFindings } from "./findings.ts";
export {
  type TapEvent,
  tapEventSchema,
  tappedRequestSchema,
  type TapRecordView,
} from "./tap.ts";
export { type Topology, type TopologyEdge, topologySchema } from "./topology.ts";
export {
  decodeTransaction,
  type Deletion,
  type TransactionRequest,
  type TransactionResponse,
  transactionResponseSchema,
  type TransactionResult,
} from "./transaction.ts";
export {
  type DiffDocument,
  diffSchema,
  type Difference,
  type HistoryEntry,
  type HistoryPage,
  historySchema,
  maxDifferenceLines,
  maxShownObjects,
  type RevisionDocument,
  revisionSchema,
  type RollbackRequest,
  rollbackRequestSchema,
  type RollbackResponse,
  rollbackResponseSchema,
  type SignalsOfSpan,
} from "./history.ts";
export { maxRolloutBytes, type RolloutFigures } from "./config-rollout.ts";
export {
  type RolloutRequest,
  rolloutEndedSchema,
  rolloutListSchema,
  rolloutRequestSchema,
  rolloutStartedSchema,
} from "./rollout-request.ts";
export { objectText } from "./object-text.ts";
export { type TrafficSection, trafficSections } from "./traffic-policy.ts";
export { grpcStatusNames } from "./traffic-requests.ts";
export {
  parseDocument,
  lineOfInvalidUtf8,
  parseYamlDocuments,
  type SourceDocument,
} from "./yaml-documents.ts";
export { type PolicyRule, rbacGroup, type RbacSubject, type RoleRef } from "./rbac.ts";
export { referenceText } from "./reference-text.ts";
export { storedOf } from "./stored-of.ts";
export { impliedObjects } from "./implied-objects.ts";
export { type BlastRadius, blastRadiusField } from "./blast-radius.ts";
export {
  type Flip,
  maxPlannedRequests,
  maxToldChanges,
  maxToldProxies,
  type EffectiveChanges,
  type EffectiveDiff,
  effectiveDiffSchema,
  type PlanReport,
  planReportSchema,
  type PlanRequest,
  planRequestSchema,
  type PlanWarning,
  type RequestResult,
} from "./plan.ts";
