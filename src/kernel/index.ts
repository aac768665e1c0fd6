export { formatAge } from "./age.ts";
export { boundedText } from "./bounded-text.ts";
export { checkoutRoot, isInstalled, isSingleFile, runtimePath } from "./checkout.ts";
export { canonicalIp, formatIp, parseIp, Prefix } from "./address.ts";
export {
  fitsTemplate,
  normalizeEscapes,
  parsePathPattern,
  type PathPattern,
  type PathTemplate,
  pathPatternProblem,
} from "./path-template.ts";
export { fitsTextPattern, parseTextPattern, type TextPattern } from "./text-pattern.ts";
export { PrefixTable } from "./prefix-table.ts";
export { ByteWriter } from "./bytes.ts";
export { type Clock, systemClock, type Timer, VirtualClock } from "./clock.ts";
export { type CompactSet, removeMember, withMember } from "./compact-set.ts";
export {
  type ErrorCode,
  errorLine,
  exitCodes,
  httpStatuses,
  type Issue,
  issueLine,
  WeftError,
} from "./errors.ts";
export { hash32, mix32 } from "./hash.ts";
export { bucketCount, bucketOf, Histogram } from "./histogram.ts";
export { type Drainable, Lifecycle } from "./lifecycle.ts";
export { createLog, type Log, type LogLevel, silentLog } from "./log.ts";
export { type Reason, reasons } from "./reason.ts";
export type { ReasonCode } from "./reason-code.ts";
export {
  checkJwks,
  jwtAlgorithms,
  type JwtAlgorithm,
  maxJwkSetBytes,
  type PublicJwk,
  readJwkSet,
} from "./jwk-set.ts";
export { nearestName } from "./nearest-name.ts";
export { type LineEdit, lineEdits } from "./line-edits.ts";
export { nextTurn, runAtOnce, runSteps, type Steps } from "./steps.ts";
export { secondsText } from "./seconds-text.ts";
export { Turns } from "./turns.ts";
export { textDifference } from "./text-difference.ts";
export { nameserversOf } from "./resolv-conf.ts";
export { formatSpiffeId, parseSpiffeId, type SpiffeId } from "./spiffe.ts";
export {
  acceptedFormat,
  boundText,
  escapeLabel,
  metricHeader,
  metricLine,
  metricsContentTypes,
  type MetricSample,
  type MetricsFormat,
  type MetricType,
  prometheusContentType,
} from "./prometheus-text.ts";
export { grpcCodes, httpStatusOfGrpc, httpStatusToGrpc, isGrpcServerFault } from "./grpc-status.ts";
export { isGrpcContentType, restOf } from "./grpc-content-type.ts";
