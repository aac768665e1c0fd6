/** On the way to an external service that asks for a name, or whose connections go where their clients meant to go. */
import { create } from "@bufbuild/protobuf";
import type { Outcome } from "../api/index.ts";
import { ExternalHosts, hostnameOf } from "../decide/index.ts";
import {
  type Cluster,
  type Endpoint,
  EndpointSchema,
  type Outbound,
  Protocol,
  Tunnel,
} from "../model/index.ts";
import { refusal } from "./hop-draft.ts";
import type { Wanted } from "./wanted.ts";

interface Dialled {
  /** Undefined: one of the mesh's own, at which nobody can be dialled. */
  readonly address: string | undefined;
  readonly port: number;
}

export class ExternalCheck {
  readonly isByName: boolean;
  readonly #hosts: ExternalHosts;
  readonly #outbound: Outbound;
  readonly #dialled: Dialled;

  private constructor(outbound: Outbound, dialled: Dialled) {
    this.#outbound = outbound;
    this.#dialled = dialled;
    this.isByName = dialled.address === undefined;
    this.#hosts = new ExternalHosts(outbound.hosts, this.isByName);
  }

  /** Undefined: the service is an ordinary one. */
  static of(outbound: Outbound, cluster: Cluster | undefined, dialled: Dialled): ExternalCheck | undefined {
    const isOrdinary = outbound.hosts.length === 0 && cluster?.original === undefined;
    return isOrdinary ? undefined : new ExternalCheck(outbound, dialled);
  }

  refuse(wanted: Wanted): Outcome | undefined {
    const { head, serverName = "" } = wanted;
    if (head !== undefined) {
      const name = hostnameOf(head.authority);
      if (this.#hosts.mayCall(name)) return undefined;
      const detail =
        name === "" ? "the request names no host" : "the request's host is none of the service's";
      return refusal("destination_denied", detail, { carries: head.isGrpc ? "grpc" : "http" });
    }
    const readsName = this.#outbound.protocol === Protocol.TLS && this.#hosts.needsName;
    if (!readsName || this.#hosts.mayCall(serverName)) return undefined;
    const detail = "the server name that was said is none of the service's hosts";
    return refusal("destination_denied", detail, { carries: "bytes" });
  }

  /** Where the client meant to go; undefined: the cluster has endpoints of its own. */
  endpointFor(wanted: Wanted, cluster: Cluster | undefined): Endpoint | undefined {
    if (cluster?.original === undefined) return undefined;
    const { head, serverName = "", host } = wanted;
    const said = head === undefined ? serverName : hostnameOf(head.authority);
    const address = this.#dialled.address ?? (said === "" ? host : said);
    const port = cluster.original.port || this.#dialled.port;
    const workload = `${cluster.namespace}/${address}:${port}`;
    return create(EndpointSchema, { workload, address, port, tunnel: Tunnel.NONE, weight: 1 });
  }
}
