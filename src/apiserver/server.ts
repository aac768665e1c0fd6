/** Puts the API server together: who is let in, what they may, what answers them, and where it listens. */
import { X509Certificate } from "node:crypto";
import { type Clock, type Log, systemClock, WeftError } from "../kernel/index.ts";
import { parseSubjectAltNames } from "../net/index.ts";
import type { Store } from "../store/index.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { Authentication } from "./authentication/authentication.ts";
import type { TokenAuthenticator } from "./authentication/authenticator.ts";
import { OidcAuthenticator, type OidcOptions } from "./authentication/oidc.ts";
import { CertificateAuthenticator, UnixPeerAuthenticator } from "./authentication/peers.ts";
import { instanceToken, readTokenFile } from "./authentication/tokens.ts";
import { Authorizer } from "./authorization/authorizer.ts";
import { Dashboard, type OpenDashboard } from "./dashboard/dashboard.ts";
import { Doors, isLoopbackAddress } from "./doors.ts";
import { Handler } from "./handler.ts";
import { type ApiListen, type ApiTls, openListeners } from "./listeners.ts";
import { HistoryEndpoints } from "./history/history-endpoints.ts";
import { MeshEndpoints, type MeshProviders } from "./mesh-endpoints.ts";
import { RolloutEndpoints } from "./rollout/rollout-endpoints.ts";
import { Resources } from "./resources.ts";
import { Reviews } from "./reviews.ts";
import { Login } from "./sessions/login.ts";
import { OidcLogin } from "./sessions/oidc-login.ts";
import { TapEndpoints } from "./tap/tap-endpoints.ts";
import { Watches } from "./watch-stream.ts";
import { WriteContexts } from "./write-contexts.ts";
import { Writer } from "./writer.ts";

export interface OidcSettings extends OidcOptions {
  /** For logging in with a browser; absent: a public client. */
  readonly clientSecret?: string | undefined;
  readonly scopes: readonly string[];
}

export interface ApiServerOptions {
  readonly store: Store;
  readonly providers: MeshProviders;
  /** The instance's own. */
  readonly token: string;
  readonly tokenFile?: string | undefined;
  readonly oidc?: OidcSettings | undefined;
  /** Whose workloads' certificates are known. */
  readonly trustDomain?: string | undefined;
  readonly listen: ApiListen;
  /** Client certificates that do not count any more; absent: none. */
  readonly isRevoked?: (der: Uint8Array) => boolean;
  /** Somebody was not let in, or not let do what they asked for: a handshake's reason, or an error's code. */
  readonly onRefused?: (reason: string) => void;
  /** A Unix socket beside `listen`. */
  readonly besideUnixPath?: string | undefined;
  /** Names besides the loopback ones that clients may use in `Host` and pages in `Origin`. */
  readonly hostNames?: readonly string[];
  /** Absent: what is written is not audited. */
  readonly audit?: AuditLog | undefined;
  /** Absent: no dashboard is served. */
  readonly dashboard?: OpenDashboard | undefined;
  readonly version: string;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface ApiServer {
  /** `http://127.0.0.1:15080`, or the path of the Unix socket. */
  readonly url: string;
  readonly port: number | undefined;
  /** More is revoked: connections that were let in before are ended where they would not be now. */
  endRevoked(): void;
  /** Ends watches, waits for requests in flight. */
  stop(): Promise<void>;
}

/** Throws `address_in_use`, `permission`, `bad_input`; `forbidden` for an address that is not loopback without TLS. */
export function startApiServer(options: ApiServerOptions): ApiServer {
  const clock = options.clock ?? systemClock;
  const { store, listen, log } = options;
  if (listen.kind === "tcp" && listen.tls === undefined && !isLoopbackAddress(listen.address)) {
    throw new WeftError("forbidden", `the API does not listen on ${listen.address} without TLS`, {
      hint: "give --api-cert and --api-key, or use a loopback address and an SSH tunnel",
    });
  }
  const authorizer = new Authorizer(store);
  const watches = new Watches(store, clock);
  const taps = new TapEndpoints({ providers: options.providers.taps, audit: options.audit, clock });
  try {
    const handler = handlerOf(options, { authorizer, watches, taps, clock });
    const { isRevoked = noneRevoked, onRefused = () => {} } = options;
    const listeners = openListeners({ ...options, isRevoked, onRefused }, handler);
    log.debug("the API listens", { address: listeners.url });
    return {
      url: listeners.url,
      port: listeners.port,
      endRevoked: () => listeners.endRevoked(),
      async stop() {
        watches.closeAll();
        taps.closeAll();
        await listeners.stop();
        authorizer.close();
      },
    };
  } catch (error) {
    authorizer.close();
    throw error;
  }
}

function handlerOf(
  options: ApiServerOptions,
  parts: {
    readonly authorizer: Authorizer;
    readonly watches: Watches;
    readonly taps: TapEndpoints;
    readonly clock: Clock;
  },
): Handler {
  const { store, audit, log, listen, version } = options;
  const { authorizer, watches, taps, clock } = parts;
  const oidc = options.oidc === undefined ? undefined : new OidcAuthenticator(options.oidc, clock, log);
  const authentication = new Authentication({
    tokens: tokenAuthenticators(options, oidc),
    peers: peersOf(options, clock),
    clock,
  });
  const writer = new Writer(store);
  const contexts = new WriteContexts({
    store,
    authorizer,
    audit,
    clock,
    plaintextCallers: () =>
      new Set(options.providers.plaintextCallers().items.map(({ workload }) => workload)),
  });
  const certificateNames = listen.kind === "tcp" && listen.tls !== undefined ? namesOf(listen.tls) : [];
  return new Handler({
    store,
    doors: new Doors([...(options.hostNames ?? []), ...certificateNames]),
    authentication,
    authorizer,
    login: new Login({ authentication, oidc: oidcLogin(options.oidc, oidc, clock), audit, clock }),
    resources: new Resources({ store, writer, watches, contexts, clock }),
    mesh: new MeshEndpoints({
      ...{ authorizer, store, writer, contexts, audit, clock },
      providers: options.providers,
    }),
    history: new HistoryEndpoints({
      ...{ store, writer, contexts, authorizer, clock },
      signals: (query) => options.providers.telemetry.signals(query),
      plans: options.providers.plans,
    }),
    rollouts: new RolloutEndpoints({
      ...{ store, writer, contexts, audit },
      providers: options.providers.rollouts,
    }),
    taps,
    reviews: new Reviews(authorizer),
    dashboard: options.dashboard === undefined ? undefined : new Dashboard(options.dashboard, log),
    audit,
    version,
    onRefused: options.onRefused ?? (() => {}),
    clock,
    log,
  });
}

const noneRevoked = (): boolean => false;

function tokenAuthenticators(
  options: ApiServerOptions,
  oidc: OidcAuthenticator | undefined,
): TokenAuthenticator[] {
  return [
    instanceToken(options.token),
    ...(options.tokenFile === undefined ? [] : [readTokenFile(options.tokenFile)]),
    ...(oidc === undefined ? [] : [oidc]),
  ];
}

function peersOf(options: ApiServerOptions, clock: Clock) {
  const ownUid = process.getuid?.();
  return [
    new CertificateAuthenticator({
      trustDomain: options.trustDomain ?? "",
      isRevoked: options.isRevoked ?? noneRevoked,
      nowMs: () => clock.nowMs(),
    }),
    ...(ownUid === undefined ? [] : [new UnixPeerAuthenticator(ownUid)]),
  ];
}

function oidcLogin(
  settings: OidcSettings | undefined,
  oidc: OidcAuthenticator | undefined,
  clock: Clock,
): OidcLogin | undefined {
  if (settings === undefined || oidc === undefined) return undefined;
  const { clientId, clientSecret, caPem, scopes } = settings;
  return new OidcLogin({ oidc, clientId, clientSecret, caPem, scopes }, clock);
}

/** DNS names and addresses of the certificate: who speaks to one of them over TLS means this server. */
function namesOf({ certChainPem }: ApiTls): string[] {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(certChainPem);
  } catch (cause) {
    throw new WeftError("bad_input", "the API's certificate cannot be read", { cause });
  }
  const dns = parseSubjectAltNames(certificate.raw)?.dns ?? [];
  const addresses = (certificate.subjectAltName ?? "")
    .split(", ")
    .flatMap((part) => (part.startsWith("IP Address:") ? [part.slice("IP Address:".length)] : []));
  return [...dns, ...addresses];
}
