/** HTTP that enters the mesh at a gateway's port: virtual host by authority, then its routes. */
import type { HeaderLine } from "../../http1/index.ts";
import type { HttpRequest } from "../http/index.ts";
import {
  type CallerFacts,
  isMisdirected,
  type PreparedVirtualHost,
  selectVirtualHost,
} from "../../decide/index.ts";
import type { Admission, Mesh, Telemetry } from "../../model/index.ts";
import type { Connection, PeerCertificate } from "../../net/index.ts";
import type { ListenerAdmission, PortTlsChoice, PreparedGatewayPort } from "../agent/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import type { UpstreamEndpoint } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import { requestEdge, unreachedEdge } from "./edges.ts";
import { latin1Line, removal } from "./exchange-heads.ts";
import { canonicalIp } from "../../kernel/index.ts";
import { forwardedClientCertificate } from "./forwarded-client.ts";
import { ForwardedFields } from "./forwarded-fields.ts";
import { gatewayCaller } from "./gateway-caller.ts";
import type { AskedFirst, HttpSelection, HttpService } from "./http-service.ts";
import { strippedAtEdge } from "./overriding-http.ts";
import type { RouteSelector } from "./route-selector.ts";

/** The port's newest configuration; the listener's owner replaces it, a request reads it once. */
export interface GatewayPortHolder {
  readonly current: PreparedGatewayPort;
}

export interface GatewayClient {
  readonly holder: GatewayPortHolder;
  readonly connection: Connection;
  /** Goes into x-forwarded-for; empty where it is not known (Unix sockets). */
  readonly clientAddress: string;
  readonly scheme: "http" | "https";
  /** What the handshake came to; undefined in plaintext. */
  readonly tls: GatewayHandshake | undefined;
}

export interface GatewayHandshake {
  readonly choice: Extract<PortTlsChoice, { mode: "terminate" }>;
  readonly serverName: string | undefined;
  /** The client's verified certificate. */
  readonly peer: PeerCertificate | undefined;
}

/** What is asked of a request, and all that this depends on: most requests of a connection are asked the same. */
interface LastAsked {
  /** Of the port, and which of them: never its tables, which an idle connection would keep. */
  readonly admissions: PreparedGatewayPort["admissions"];
  readonly listener: string;
  readonly rule: Admission | undefined;
  readonly generation: number;
  readonly mesh: Mesh | undefined;
  readonly asked: AskedFirst | undefined;
}

/** Anything else that a client says of certificates is made up. */
const withoutClientCertificate = removal("x-forwarded-client-cert");

export class GatewayHttp implements HttpService {
  readonly direction = "outbound";
  readonly tellsUnprocessed = false;
  readonly trustsTry = false;
  readonly scheme: "http" | "https";
  readonly servesConnect = false;
  readonly takesGrpcWeb = true;
  readonly sourceIdentity: string;
  readonly #context: ServeContext;
  readonly #selector: RouteSelector;
  readonly #holder: GatewayPortHolder;
  readonly #forwarded: ForwardedFields;
  readonly #peerAddress: string;
  readonly #tls: GatewayHandshake | undefined;
  readonly #connection: Connection;
  readonly #clientCertificate: HeaderLine;
  asked: AskedFirst | undefined = undefined;
  telemetry: Telemetry | undefined;
  #lastAsked: LastAsked | undefined = undefined;
  #caller: CallerFacts | undefined = undefined;
  /** Which says whose identities are its own. */
  #callerMesh: Mesh | undefined = undefined;
  /** The port's TLS that was last found to go on asking of clients what this one was asked. */
  #checkedTls: PreparedGatewayPort["tls"];

  /** One per connection. */
  constructor(context: ServeContext, selector: RouteSelector, client: GatewayClient) {
    this.#context = context;
    this.#selector = selector;
    this.#holder = client.holder;
    this.#connection = client.connection;
    this.scheme = client.scheme;
    this.#forwarded = new ForwardedFields(client.clientAddress, client.scheme);
    const { remoteAddress } = client.connection;
    this.#peerAddress = canonicalIp(remoteAddress) ?? remoteAddress;
    this.#tls = client.tls;
    const { tls, telemetry } = client.holder.current;
    this.#checkedTls = tls;
    this.telemetry = telemetry && telemetryAt(telemetry, undefined);
    const peer = client.tls?.peer;
    this.sourceIdentity = peer?.uriSans[0] ?? "";
    this.#clientCertificate =
      peer === undefined
        ? withoutClientCertificate
        : latin1Line("x-forwarded-client-cert", forwardedClientCertificate(peer));
  }

  get port(): number {
    return this.#holder.current.port;
  }

  select(head: HttpRequest, requestId: string): HttpSelection {
    this.asked = undefined;
    const { hosts, telemetry } = this.#holder.current;
    const host = selectVirtualHost(hosts, head.authority);
    this.telemetry = telemetry && telemetryAt(telemetry, host?.listener);
    if (host === undefined) return { reason: "no_route", detail: "no listener has this hostname", route: "" };
    if (isMisdirected(host, this.#tls?.choice.listener)) {
      return { reason: "misdirected_request", detail: `it belongs to listener ${host.listener}`, route: "" };
    }
    if (!this.#isStillTrusted()) {
      return { reason: "misdirected_request", detail: "clients are checked otherwise by now", route: "" };
    }
    const selected = strippedAtEdge(head, this.#selector.select(host.routes, head, requestId, this));
    this.asked = this.#askedOf(host, selected);
    return selected;
  }

  /**
   * The listener's policies, then the rule's, are asked before anything of the route is answered: also before "there is no
   * such route". Preflights alone are not asked about: browsers send them without tokens, and nobody behind here sees them.
   */
  #askedOf(host: PreparedVirtualHost, selected: HttpSelection): AskedFirst | undefined {
    const { admissions } = this.#holder.current;
    const { listener } = host;
    const rule = selected.admission;
    if (admissions === undefined && rule === undefined) return undefined;
    if ("status" in selected && selected.isPreflight === true) return undefined;
    const { generation } = this.#context.admissions;
    const { mesh } = this.#context.agent.snapshot;
    let last = this.#lastAsked;
    if (
      last?.admissions !== admissions ||
      last?.listener !== listener ||
      last.rule !== rule ||
      last.generation !== generation ||
      last.mesh !== mesh
    ) {
      const asked = this.#askedAt(admissions?.get(listener), rule);
      this.#lastAsked = last = { admissions, listener, rule, generation, mesh, asked };
    }
    return last.asked;
  }

  #askedAt(listener: ListenerAdmission | undefined, rule: Admission | undefined): AskedFirst | undefined {
    const filters = this.#context.admissions.filtersOf(listener?.admission, rule);
    return filters.length === 0 ? undefined : { filters, caller: this.#callerAt(listener?.gateway ?? "") };
  }

  /** The same as long as it says the same: what filters work out of it, they keep by it. */
  #callerAt(gateway: string): CallerFacts {
    const { mesh } = this.#context.agent.snapshot;
    const known = this.#caller;
    const isSamePlace = gateway === "" || known?.destination === gateway;
    if (known !== undefined && isSamePlace && mesh === this.#callerMesh) return known;
    this.#callerMesh = mesh;
    this.#caller = gatewayCaller(this.#connection, { gateway, port: this.port, mesh });
    return this.#caller;
  }

  /** What policies and limits take for the client's address. */
  remoteAddressOf(head: HttpRequest): string {
    return this.#forwarded.remoteAddress(head, this.#trustedHops, this.#peerAddress);
  }

  /** As everything else that clients say of a request's way here. */
  get traceEntry(): "believed" | "replaced" {
    return this.#trustedHops > 0 ? "believed" : "replaced";
  }

  addLines(head: HttpRequest, lines: HeaderLine[]): void {
    lines.push(this.#clientCertificate);
    this.#forwarded.addLines(head, this.#trustedHops, lines);
  }

  get #trustedHops(): number {
    return this.#context.agent.snapshot.mesh?.trustedHops ?? 0;
  }

  /** A client that would not come in any more is to come again, which shows. */
  #isStillTrusted(): boolean {
    const { tls } = this.#holder.current;
    if (this.#tls === undefined || tls === this.#checkedTls) return true;
    const now = tls?.select(this.#tls.serverName);
    const before = this.#tls.choice;
    const isSame =
      now?.mode === "terminate" &&
      (now.clientCertificate !== "required" ||
        (before.clientCertificate === "required" &&
          now.identity.trustRootsPem === before.identity.trustRootsPem));
    if (isSame) this.#checkedTls = tls;
    return isSame;
  }

  edge(selected: HttpSelection | undefined, endpoint: UpstreamEndpoint | undefined): EdgeSeries {
    if (endpoint === undefined) {
      return unreachedEdge(this.#context, {
        service: "",
        route: selected?.route ?? "",
        protocol: "http",
        port: this.#holder.current.port,
      });
    }
    return requestEdge(this.#context, endpoint, selected);
  }
}

/** Of what no listener has, the first one tells. */
function telemetryAt(
  byListener: ReadonlyMap<string, Telemetry>,
  listener: string | undefined,
): Telemetry | undefined {
  return listener === undefined ? byListener.values().next().value : byListener.get(listener);
}
