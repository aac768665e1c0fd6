/** What an admitted inbound connection becomes: HTTP towards the application, or bytes. Shared by tunnel and plaintext. */
import type { PreparedInboundPort } from "../../decide/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { HeaderLine } from "../../http1/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { SessionProtocol } from "../../wire/index.ts";
import type { UpstreamCluster } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import { EdgeHandle } from "./edges.ts";
import { latin1Line } from "./exchange-heads.ts";
import type { HttpDestination, HttpRefusal, HttpService } from "./http-service.ts";
import { plainDestination } from "./outbound-http.ts";
import type { TcpTarget } from "./tcp-dial.ts";

export interface InboundCaller {
  /** Verified; empty where the connection came in plaintext. */
  readonly identity: string;
  /** What the peer says, where it fits its identity; else empty. */
  readonly workload: string;
  /** "namespace/name" that it dialled, where that service reaches this port; else empty. */
  readonly service: string;
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
    destinationWorkload: context.workload.key,
    destinationIdentity: context.identity,
    destinationService: caller.service,
    destinationPort: options.port,
    destinationVersion: context.workload.version,
    route: "",
    protocol: options.protocol,
    mtls: caller.identity !== "",
  });
}

/** The service that a preface names, if it is one of the port's; a peer cannot make up labels. */
export function callerService(port: PreparedInboundPort | undefined, named: string): string {
  if (port === undefined) return "";
  return port.services.includes(named) ? named : (port.services[0] ?? "");
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
  readonly #answer: HttpDestination | HttpRefusal;
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
    this.#answer =
      typeof answer === "string"
        ? { reason: answer, detail: "the connection was not admitted", route: "" }
        : {
            ...plainDestination(answer),
            // In plaintext nobody vouches for the caller, so what it says about itself is taken away.
            requestEdits:
              caller.identity === "" ? { set: [], add: [], remove: [forwardedClientCert] } : undefined,
          };
    const element = `By=${context.identity};URI=${caller.identity}`;
    this.#lines = caller.identity === "" ? [] : [latin1Line(forwardedClientCert, element)];
    const gateways = context.agent.snapshot.mesh?.gatewayIdentities ?? [];
    this.#fromGateway = gateways.includes(caller.identity) ? element : undefined;
  }

  select(): HttpDestination | HttpRefusal {
    return this.#answer;
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
  },
): TcpTarget {
  const edge = inboundEdge(context, caller, { port: options.port, protocol: "tcp" });
  return {
    cluster: options.cluster,
    protocol: options.protocol,
    edge: () => edge.get(),
    failureReason: "application_unreachable",
  };
}
