/**
 * The port that proxies dial: discovery, certificates, membership, telemetry. A client certificate is asked for and
 * must be one of ours where it is shown; every method but the issue of a first certificate requires one.
 */
import { adsService, type SubscriptionCore } from "../distribute/index.ts";
import {
  type CallContext,
  type GrpcServer,
  implementUnary,
  implementUnaryBytes,
  serveGrpc,
  type ServiceRegistration,
} from "../grpc/index.ts";
import type { CertificatesService, ControlCertificate } from "../identity/index.ts";
import { certificateNumber, serialText } from "../identity/x509/index.ts";
import { type Clock, formatSpiffeId, type Log, type ReasonCode, type SpiffeId } from "../kernel/index.ts";
import type { ServerTls } from "../net/index.ts";
import type { TapHub, TelemetryMethods } from "../observe/index.ts";
import type { Registry } from "../registry/index.ts";
import { Certificates, Telemetry, Workloads } from "../wire/index.ts";
import {
  mayActFor,
  mayServeGateways,
  type PeerOfPort,
  provenIdentity,
  requireIdentity,
  verifyProxy,
} from "./proxies.ts";
import type { ProxyDirectory } from "./proxy-directory.ts";
import type { ShownCertificate } from "./shown-certificate.ts";
import { ConnectionRate } from "./connection-rate.ts";
import { tapMethod } from "./tap-port.ts";
import { workloadsMethods } from "./workloads-methods.ts";

export interface ProxyPortOptions {
  readonly listen: { readonly address: string; readonly port: number };
  readonly trustDomain: string;
  readonly certificate: ControlCertificate;
  readonly certificates: CertificatesService;
  readonly core: SubscriptionCore;
  readonly registry: Registry;
  readonly directory: ProxyDirectory;
  readonly telemetry: TelemetryMethods;
  readonly taps: TapHub;
  /** Who may serve gateways: "namespace/name" of service accounts. */
  readonly gatewayServiceAccounts: () => readonly string[];
  /** Asked in each handshake and for each stream. */
  readonly isRevoked: (der: Uint8Array) => boolean;
  /** A proxy showed this certificate on a stream. */
  readonly onShown: (workload: string, id: SpiffeId, der: Uint8Array, shown: ShownCertificate) => void;
  readonly onRefused: (reason: ReasonCode) => void;
  readonly catchUp?: ((revision: number) => Promise<string | undefined>) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Streams that wait for their first change, about a second's work. Beyond it connections are reset before their handshake: a
 * proxy that is turned away has lost nothing and comes again by itself, later each time and at random (the agent's `Backoff`),
 * while one whose handshake times out in a queue has cost its handshake for nothing.
 */
const maxStarting = 256;

/** Throws `address_in_use` or `permission`. */
export function serveProxyPort(options: ProxyPortOptions): GrpcServer {
  const { listen, trustDomain, certificate, isRevoked, onRefused, clock, log } = options;
  const tls = (): ServerTls => ({
    identity: certificate.identity,
    alpn: ["h2"],
    clientCertificate: "optional",
    verifyPeer: (peer) => verifyProxy(peer, trustDomain, isRevoked),
  });
  const rate = new ConnectionRate(clock);
  const admits = (address: string): boolean => {
    if (options.core.starting < maxStarting) return rate.admits(address);
    options.registry.holdLeases();
    return false;
  };
  return serveGrpc({
    refuses: (address) => (admits(address) ? undefined : "overloaded"),
    listen: { hostname: listen.address, port: listen.port },
    tls,
    onRefused,
    services: [discovery(options), ...proxyServices(options)],
    clock,
    log,
  });
}

function discovery({
  core,
  clock,
  log,
  registry,
  directory,
  trustDomain,
  gatewayServiceAccounts,
  isRevoked,
  onShown,
  catchUp,
}: ProxyPortOptions): ServiceRegistration {
  // Read once for each connection: streams and names ask again and again.
  const certificates = new WeakMap<PeerOfPort, ShownCertificate>();
  return adsService({
    core,
    catchUp,
    clock,
    log,
    presence: directory,
    mayActFor(peer, workload, role) {
      const id = provenIdentity(peer, trustDomain, clock.nowMs());
      if (id === undefined || isRevoked(peer.der) || !mayActFor(id, workload, registry.views)) return false;
      if (role === "gateway" && !mayServeGateways(id, gatewayServiceAccounts())) return false;
      const certificate = certificates.get(peer) ?? shownCertificate(peer);
      directory.admit(workload, id, certificate);
      if (certificate === undefined) return true;
      certificates.set(peer, certificate);
      onShown(workload, id, peer.der, certificate);
      return true;
    },
  });
}

function shownCertificate({ der, notAfterMs }: PeerOfPort): ShownCertificate | undefined {
  const number = certificateNumber(der);
  if (number === undefined) return undefined;
  const issuer = Buffer.from(number.issuer).toString("hex");
  return { issuer, serial: serialText(number.serial), notAfterMs };
}

function proxyServices(options: ProxyPortOptions): ServiceRegistration[] {
  const { certificates, registry, telemetry, trustDomain, clock } = options;
  const workloads = workloadsMethods(registry);
  const identify = ({ peer }: CallContext): SpiffeId => requireIdentity(peer, trustDomain, clock.nowMs());
  return [
    [implementUnary(Certificates.method.issue, (request, context) => certificates.issue(request, context))],
    [
      implementUnary(Workloads.method.register, (request, context) =>
        workloads.register(request, identify(context)),
      ),
      implementUnary(Workloads.method.leave, (request, context) =>
        workloads.leave(request, identify(context)),
      ),
    ],
    [
      implementUnaryBytes(Telemetry.method.report, (request, context) =>
        telemetry.report(request, formatSpiffeId(identify(context))),
      ),
      tapMethod(options),
    ],
  ];
}
