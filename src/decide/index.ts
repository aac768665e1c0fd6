export type { AdmissionRequest, CallerFacts, Claims, HttpFacts } from "./admission/request.ts";
export { ConnectionTable } from "./connection-table.ts";
export { faultAnswer, faultDraw, type PreparedFault, PreparedFaults } from "./fault.ts";
export {
  admissionAt,
  admitInbound,
  callerService,
  InboundTable,
  type PreparedInboundPort,
} from "./inbound.ts";
export { firstQueryValue } from "./query.ts";
export {
  isMirrored,
  mirrorDraw,
  type PreparedMirror,
  type RequestChanges,
  rewriteTarget,
} from "./request-changes.ts";
export type { HttpRequestView } from "./request-view.ts";
export { listenerId, ListenerTable, normalizeServerName } from "./listener-table.ts";
export { applyOverrides, overrideHeader, parseOverrides } from "./request-overrides.ts";
export { coversMatch } from "./match-cover.ts";
export { ServiceConnections } from "./service-connections.ts";
export { inboundRequests, layRequests, type PreparedRequests, requestDefaults } from "./requests.ts";
export { isSafeToRepeat, judgeRetry, type TryEnd, type TryState, type Withheld } from "./retry.ts";
export { parsePushback, parseRetryAfter } from "./retry-after.ts";
export { RetryBudget } from "./retry-budget.ts";
export { RouteTable } from "./route-table.ts";
export { chooseBackend, type PreparedBackend, type PreparedRule } from "./rule.ts";
export { shareOf } from "./share.ts";
export { crossOriginHeaders, type RuleAnswers } from "./rule-answers.ts";
export {
  hostnameOf,
  isMisdirected,
  type PreparedVirtualHost,
  prepareVirtualHosts,
  selectVirtualHost,
  VirtualHostTable,
} from "./virtual-host.ts";
export { expandName } from "./name-candidates.ts";
export { ExternalHosts } from "./external-hosts.ts";
export { MeshPrefixes } from "./mesh-prefixes.ts";
export { SharedAddress } from "./shared-address.ts";
export { type GatewayPlace, placesOf } from "./gateway-places.ts";
export { groupByLocality, type MemberGroup, type Place, type Placed } from "./localities.ts";
export { type GroupState, minFitOf, panicOf, shareBetween } from "./group-shares.ts";
export { type MembersByHealth, splitByHealth } from "./usable-members.ts";
export { readAs } from "./read-as.ts";
export { explainMismatch, matchText } from "./match-text.ts";
export {
  forwardedBehindTrusted,
  isMadeUpOrigin,
  remoteAddressAtGateway,
  remoteAddressBehindGateway,
  speaksOfOrigin,
} from "./forwarded.ts";
