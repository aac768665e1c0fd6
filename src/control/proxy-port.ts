/**
 * The port that proxies dial: discovery, certificates, membership, telemetry. A client certificate is asked for and
 * must be one of ours where it is shown; every method but the issue of a first certificate requires one.
 */
import { adsService, type SubscriptionCore } from "../distribute/index.ts";
import {
  type CallContext,
  type GrpcServer,
  implementUnary,
  serveGrpc,
  type ServiceRegistration,
} from "../grpc/index.ts";
import type { CertificatesService, ControlCertificate } from "../identity/index.ts";
import { type Clock, formatSpiffeId, type Log, type SpiffeId } from "../kernel/index.ts";
import type { ServerTls } from "../net/index.ts";
import type { TelemetryMethods } from "../observe/index.ts";
import type { Registry } from "../registry/index.ts";
import { Certificates, Telemetry, Workloads } from "../wire/index.ts";
import { ConnectionRate } from "./connection-rate.ts";
import { mayActFor, mayServeGateways, provenIdentity, requireIdentity, verifyProxy } from "./proxies.ts";
import type { ProxyDirectory } from "./proxy-directory.ts";
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
  /** Who may serve gateways: "namespace/name" of service accounts. */
  readonly gatewayServiceAccounts: () => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Throws `address_in_use` or `permission`. */
export function serveProxyPort(options: ProxyPortOptions): GrpcServer {
  const { listen, trustDomain, certificate, clock, log } = options;
  const tls = (): ServerTls => ({
    identity: certificate.identity,
    alpn: ["h2"],
    clientCertificate: "optional",
    verifyPeer: (peer) => verifyProxy(peer, trustDomain),
  });
  const rate = new ConnectionRate(clock);
  return serveGrpc({
    admits: (address) => rate.admits(address),
    listen: { hostname: listen.address, port: listen.port },
    tls,
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
}: ProxyPortOptions): ServiceRegistration {
  return adsService({
    core,
    clock,
    log,
    presence: directory,
    mayActFor(peer, workload, role) {
      const id = provenIdentity(peer, trustDomain, clock.nowMs());
      if (id === undefined || !mayActFor(id, workload, registry.views)) return false;
      if (role === "gateway" && !mayServeGateways(id, gatewayServiceAccounts())) return false;
      directory.admit(workload, id);
      return true;
    },
  });
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
      implementUnary(Telemetry.method.report, (request, context) =>
        telemetry.report(request, formatSpiffeId(identify(context))),
      ),
    ],
  ];
}
