/** Which names may be said on the way to an external service whose address alone does not say that it is meant. */
import { HostnameTable } from "./hostname-table.ts";

export class ExternalHosts {
  readonly #hosts: HostnameTable<true> | undefined;
  /** Only the name that a client says tells where it wants to go: what it dialled is an address of the mesh's own. */
  readonly isByName: boolean;

  /** `hosts`: of the service; empty: names are not looked at. */
  constructor(hosts: readonly string[], isByName: boolean) {
    this.isByName = isByName;
    if (hosts.length === 0) return;
    this.#hosts = new HostnameTable();
    for (const host of hosts) this.#hosts.add(host, true);
  }

  /** Nothing can be done without a name. */
  get needsName(): boolean {
    return this.isByName || this.#hosts !== undefined;
  }

  /** `name` in lower case; empty: none was said. */
  mayCall(name: string): boolean {
    return this.#hosts === undefined ? !this.isByName : name !== "" && this.#hosts.select(name) === true;
  }
}
