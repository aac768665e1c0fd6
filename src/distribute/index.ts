export { adsService } from "./ads-service.ts";
export type { PresenceListener } from "./presence.ts";
export type {
  ResourceKind,
  ResourceName,
  ResourceSource,
  SourceChange,
  SourceResource,
} from "./resource-source.ts";
export { type SubscriberStatus, SubscriptionCore } from "./subscription-core.ts";
export type { ProxyIdentity, ProxyRole } from "./wishes.ts";
