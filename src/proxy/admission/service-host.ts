/** The host name of a service that the proxy itself asks, where its configuration gives it none. */

/** "namespace/name" as a host name: what the service would be dialled as. */
export function serviceHost(service: string): string {
  const slash = service.indexOf("/");
  return slash < 0 ? service : `${service.slice(slash + 1)}.${service.slice(0, slash)}`;
}
