/** What an admitted inbound connection becomes: HTTP towards the application, or bytes. Shared by tunnel and plaintext. */
import {
  admitInbound,
  type CallerFacts,
  type InboundTable,
  remoteAddressBehindGateway,
} from "../../decide/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { HeaderLine } from "../../http1/index.ts";
import { canonicalIp } from "../../kernel/index.ts";
import type { Connection } from "../../net/index.ts";
import type { AdmissionChain } from "../admission/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { SessionProtocol } from "../../wire/index.ts";
import type { UpstreamCluster } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import { EdgeHandle, localityText } from "./edges.ts";
import { latin1Line, removal } from "./exchange-heads.ts";
import { forwardedClientCertificate } from "./forwarded-client.ts";
import type { AskedFirst, HttpDestination, HttpRefusal, HttpService } from "./http-service.ts";
import { plainDestination } from "./outbound-http.ts";
import type { TcpTarget } from "./tcp-dial.ts";

export interface InboundCaller {
  /** Verified; empty where the connection came in plaintext. */
  readonly identity: string;
  /** What the peer says, where it fits its identity; else empty. */
  readonly workload: string;
  /** "namespace/name" that it dialled, where that service reaches this port; else empty. */
  readonly service: string;
  readonly connection: Connection;
  /** Where it wants to go: an address of this workload. Canonical text. */
  readonly targetAddress: string;
}

/** One inbound connection at a port, as the newest configuration sees it. */
class InboundDoor {
  readonly caller: CallerFacts;
  readonly #context: ServeContext;
  readonly #targetAddress: string;

  constructor(context: ServeContext, caller: InboundCaller, port: number) {
    const { identity, service, connection } = caller;
    this.#context = context;
    this.#targetAddress = caller.targetAddress;
    this.caller = {
      identity,
      address: canonicalIp(connection.remoteAddress) ?? connection.remoteAddress,
      addressPort: connection.remotePort,
      isTls: identity !== "",
      // The hop's own name says nothing about what its client meant.
      serverName: "",
      port,
      service,
      destination: context.workload.key,
    };
  }

  get table(): InboundTable | undefined {
    return this.#context.agent.snapshot.inboundTable;
  }

  /** Why the connection would not be let in any more. */
  refusal(table: InboundTable): ReasonCode | undefined {
    const { identity, port } = this.caller;
    return admitInbound(table, {
      peerIdentity: identity === "" ? undefined : identity,
      targetAddress: this.#targetAddress,
      targetPort: port,
    });
  }

  chain(table: InboundTable | undefined): AdmissionChain | undefined {
    const admission = table?.port(this.caller.port)?.admission;
    return admission && this.#context.admissions.chainOf(admission);
  }
}

function inboundEdge(
  context: ServeContext,
  caller: InboundCaller,
  options: { readonly port: number; readonly protocol: "http" | "tcp" },
): EdgeHandle {
  return new EdgeHandle(context.series, {
    direction: "inbound",
    sourceWorkload: caller.workload,
    sourceIdentity: caller.identity,
    // A peer says who it is, not what it runs or where.
    sourceVersion: "",
    sourceLocality: "",
    destinationWorkload: context.workload.key,
    destinationIdentity: context.identity,
    destinationService: caller.service,
    destinationPort: options.port,
    destinationVersion: context.workload.version,
    destinationLocality: localityText(context.upstreams.place),
    route: "",
    protocol: options.protocol,
    mtls: caller.identity !== "",
  });
}

const forwardedClientCert = "x-forwarded-client-cert";

export class InboundHttp implements HttpService {
  readonly direction = "inbound";
  readonly tellsUnprocessed: boolean;
  readonly trustsTry: boolean;
  readonly scheme = "http";
  readonly servesConnect = true;
  readonly takesGrpcWeb = false;
  readonly sourceIdentity: string;
  readonly #door: InboundDoor;
  readonly #opening: HttpDestination | HttpRefusal;
  #table: InboundTable | undefined;
  #answer: HttpDestination | HttpRefusal;
  asked: AskedFirst | undefined = undefined;
  /** Of the admissions: what they ask may change with whose identities are the mesh's. */
  #generation: number;
  readonly #context: ServeContext;
  readonly #edge: EdgeHandle;
  readonly #lines: readonly HeaderLine[];
  /** What a gateway says of its client stands before what is said of the gateway. */
  readonly #fromGateway: string | undefined;

  constructor(
    context: ServeContext,
    caller: InboundCaller,
    options: { readonly port: number; readonly answer: UpstreamCluster | ReasonCode },
  ) {
    const { port, answer } = options;
    this.tellsUnprocessed = caller.identity !== "";
    this.sourceIdentity = caller.identity;
    this.trustsTry = caller.identity !== "";
    this.#edge = inboundEdge(context, caller, { port, protocol: "http" });
    this.#door = new InboundDoor(context, caller, port);
    this.#opening =
      typeof answer === "string"
        ? { reason: answer, detail: "the connection was not admitted", route: "" }
        : plainDestination(answer);
    this.#context = context;
    this.#generation = context.admissions.generation;
    this.#table = this.#door.table;
    this.#answer = this.#answerBy(this.#table);
    const { peer } = caller.connection;
    const element = `By=${context.identity};${peer === undefined ? `URI=${caller.identity}` : forwardedClientCertificate(peer)}`;
    // In plaintext nobody vouches for the caller, so what it says about itself is taken away.
    this.#lines = [
      caller.identity === "" ? removal(forwardedClientCert) : latin1Line(forwardedClientCert, element),
    ];
    const gateways = context.agent.snapshot.mesh?.gatewayIdentities ?? [];
    this.#fromGateway = gateways.includes(caller.identity) ? element : undefined;
  }

  /** A connection outlives configurations; each of its requests is under the newest. */
  select(): HttpDestination | HttpRefusal {
    const { table } = this.#door;
    const { generation } = this.#context.admissions;
    if (table !== undefined && (table !== this.#table || generation !== this.#generation)) {
      this.#table = table;
      this.#generation = generation;
      this.#answer = this.#answerBy(table);
    }
    return this.#answer;
  }

  /** A gateway of the mesh says who its client is; nobody else is believed. */
  remoteAddressOf(head: HttpRequest): string {
    const { address } = this.#door.caller;
    if (this.#fromGateway === undefined) return address;
    const { trustedHops = 0 } = this.#context.agent.snapshot.mesh ?? {};
    return remoteAddressBehindGateway(head.get("x-forwarded-for"), trustedHops, address);
  }

  #answerBy(table: InboundTable | undefined): HttpDestination | HttpRefusal {
    this.asked = undefined;
    const opening = this.#opening;
    if ("reason" in opening) return opening;
    const reason = table === undefined ? undefined : this.#door.refusal(table);
    if (reason !== undefined) {
      return { reason, detail: "the connection would not be admitted any more", route: "" };
    }
    const chain = this.#door.chain(table);
    if (chain !== undefined) this.asked = { filters: chain.filters, caller: this.#door.caller };
    return opening;
  }

  addLines(head: HttpRequest, lines: HeaderLine[]): void {
    const told = this.#fromGateway === undefined ? undefined : head.get(forwardedClientCert);
    if (told !== undefined) lines.push(latin1Line(forwardedClientCert, `${told},${this.#fromGateway}`));
    else for (const line of this.#lines) lines.push(line);
  }

  edge(): ReturnType<EdgeHandle["get"]> {
    return this.#edge.get();
  }
}

export function inboundTcp(
  context: ServeContext,
  caller: InboundCaller,
  options: {
    readonly port: number;
    readonly cluster: UpstreamCluster;
    readonly protocol: SessionProtocol;
    /** Of the preface. */
    readonly traceParent?: string;
  },
): TcpTarget {
  const edge = inboundEdge(context, caller, { port: options.port, protocol: "tcp" });
  const door = new InboundDoor(context, caller, options.port);
  return {
    cluster: options.cluster,
    protocol: options.protocol,
    edge: () => edge.get(),
    failureReason: "application_unreachable",
    callerTrace: options.traceParent ?? "",
    admission: {
      caller: door.caller,
      refusal: () => (door.table === undefined ? undefined : door.refusal(door.table)),
      chain: () => door.chain(door.table),
    },
  };
}
