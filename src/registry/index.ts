export { assignAddresses } from "./assign-addresses.ts";
export { ChangeSet } from "./change-set.ts";
export { indexObject, unindexObject } from "./index-object.ts";
export { versionOf } from "./object-views.ts";
export { Registry, type RegistryReplica } from "./registry.ts";
export { RegistryIndex } from "./registry-index.ts";
export type {
  AddressOwner,
  ChangedMembers,
  EndpointView,
  RegistryChange,
  RegistryViews,
  ServicePortView,
  ServiceView,
  TunnelView,
  WorkloadHealth,
  WorkloadView,
} from "./view.ts";
