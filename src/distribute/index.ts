export { adsService } from "./ads-service.ts";
export { allUpserts } from "./change.ts";
export type { PresenceListener } from "./presence.ts";
export type {
  ResourceKind,
  ResourceName,
  ResourceSource,
  SourceChange,
  SourceResource,
} from "./resource-source.ts";
export type { RefusedResource } from "./rejected-items.ts";
export { pushBuckets, SubscriptionCore } from "./subscription-core.ts";
export type { MetricsPlace, ProxyIdentity, ProxyRole } from "./wishes.ts";
