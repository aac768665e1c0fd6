/**
 * Several external services at one address and port: which of them a connection means. What a client names in SNI or Host tells
 * it; what says no name is the first one's that asks for none.
 */
import { Protocol, type ServiceTarget } from "../model/index.ts";
import { HostnameTable } from "./hostname-table.ts";

export class SharedAddress {
  /** Takes what says no name, or one that nobody has. */
  readonly unnamed: ServiceTarget | undefined;
  /** The only one that a connection of HTTP/2 in plaintext can be for: its names are not read before it is somebody's. */
  readonly http2: ServiceTarget | undefined;
  /** No service asks for a name, so nothing has to be read. */
  readonly isUnread: boolean;
  readonly #named = new HostnameTable<ServiceTarget>();

  /** Of services that do not have the port nothing is left. */
  constructor(services: readonly ServiceTarget[], port: number) {
    const here = services.flatMap((service) => {
      const protocol = service.ports.find((entry) => entry.port === port)?.protocol;
      return protocol === undefined ? [] : [{ service, protocol }];
    });
    const named = here.filter(
      ({ service, protocol }) => service.hosts.length > 0 && protocol !== Protocol.TCP,
    );
    for (const { service } of named) for (const host of service.hosts) this.#named.add(host, service);
    const [first, ...more] = named.filter(({ protocol }) => protocol !== Protocol.TLS);
    this.unnamed = here.find((each) => !named.includes(each))?.service;
    this.http2 = more.length === 0 ? first?.service : undefined;
    this.isUnread = named.length === 0;
  }

  named(name: string): ServiceTarget | undefined {
    return this.#named.select(name) ?? this.unnamed;
  }
}
