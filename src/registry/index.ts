export { type AddressRequest, allocateAddresses } from "./allocate-addresses.ts";
export { Registry } from "./registry.ts";
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
