export { type Condition, conditionOf, conditionsSchema, pendingConditions } from "./conditions.ts";
export { decodeMessage } from "./decode.ts";
export { parseDurationMs } from "./duration.ts";
export { serviceNameLabel } from "./endpoint-slice.ts";
export {
  anyText,
  dnsLabel,
  dnsSubdomain,
  duration,
  hostname,
  ipAddress,
  labelKey,
  labelValue,
  objectName,
  portName,
  serviceName,
  type TextFormat,
} from "./formats.ts";
export { weftControllerName, weftGatewayClassName } from "./gateway-class.ts";
export type { GatewayListener } from "./gateway-listener.ts";
export type { HttpBackendReference, HttpRouteRule } from "./http-route.ts";
export type { HeaderModifier, HttpRouteFilter } from "./http-route-filter.ts";
export { type HttpRouteMatch, httpMethods } from "./http-route-match.ts";
export {
  defineKind,
  type KindDefinition,
  type KindOptions,
  type ParseMode,
  type PrinterColumn,
  type Validated,
} from "./kind-definition.ts";
export {
  type ApiObject,
  apiVersionOf,
  changeIssues,
  type ConfigMap,
  type EndpointSlice,
  findKind,
  type Gateway,
  type GatewayClass,
  type HttpRoute,
  isKindName,
  isOfKind,
  isStored,
  type KindName,
  kindNames,
  kinds,
  type MeshConfig,
  type MeshWorkload,
  type Namespace,
  type ObjectOfKind,
  parseObject,
  printerCells,
  type Secret,
  type Service,
  type ServiceAccount,
  type Stored,
  type StoredOfKind,
} from "./kinds.ts";
export { type KubeStatus, kubeStatusSchema } from "./kube-status.ts";
export { meshConfigName } from "./mesh-config.ts";
export { type MeshStatus, meshStatusSchema, type ProxyStatus } from "./mesh-status.ts";
export type { WorkloadPort } from "./mesh-workload.ts";
export { clusterMetadata, labelsSchema, namespacedMetadata, type StoredMetadata } from "./metadata.ts";
export { keyOf, keyText, namespaceOf, type ObjectKey } from "./object-key.ts";
export { type BackendReference, gatewayGroup, type ParentReference } from "./references.ts";
export {
  type DeepReadonly,
  flag,
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
  type Labels,
  type LabelSelector,
  labelSelectorSchema,
  matchLabels,
  matchRequirements,
  parseLabelSelector,
} from "./selector.ts";
export type { ServicePort } from "./service.ts";
export { joinAudience, type TokenRequest, tokenRequestSchema } from "./token-request.ts";
export { type Topology, type TopologyEdge, type TopologyNode, topologySchema } from "./topology.ts";
export {
  type Deletion,
  type HistoryEntry,
  historySchema,
  maxTransactionObjects,
  type TransactionRequest,
  transactionRequestSchema,
  type TransactionResponse,
  type TransactionResult,
  transactionResponseSchema,
} from "./transaction.ts";
export { parseDocument, parseYamlDocuments, type SourceDocument } from "./yaml-documents.ts";
export { referenceText } from "./reference-text.ts";
