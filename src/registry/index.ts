export {
  type AddressAllocation,
  type AddressFamily,
  type AddressRequest,
  allocateAddresses,
  type AllocationOptions,
} from "./allocate-addresses.ts";
export type { WorkloadRegistration } from "./registration.ts";
export { Registry, type RegistryOptions } from "./registry.ts";
export type {
  AddressOwner,
  EndpointView,
  ObjectPath,
  RegistryChange,
  RegistryViews,
  ServicePortView,
  ServiceView,
  TunnelView,
  WorkloadHealth,
  WorkloadPortView,
  WorkloadView,
} from "./view.ts";
