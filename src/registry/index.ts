export { type AddressRequest, allocateAddresses } from "./allocate-addresses.ts";
export { ChangeSet } from "./change-set.ts";
export { versionOf } from "./object-views.ts";
export { Registry, type RegistryReplica } from "./registry.ts";
export { RegistryIndex } from "./registry-index.ts";
export type {
  AddressOwner,
  EndpointView,
  RegistryChange,
  RegistryViews,
  ServicePortView,
  ServiceView,
  TunnelView,
  WorkloadHealth,
  WorkloadView,
} from "./view.ts";
