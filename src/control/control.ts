/**
 * The composition root of the control plane: opens the data directory, puts the rooms together, serves both ports.
 *
 *   starting --both ports listen--> serving --drain()--> draining --> stopped
 */
import { type MeshStatus, meshConfigName } from "../api/index.ts";
import { type ApiListen, type ApiTls, AuditLog, startApiServer } from "../apiserver/index.ts";
import { SubscriptionCore } from "../distribute/index.ts";
import type { GrpcServer } from "../grpc/index.ts";
import {
  type CertificateAuthority,
  CertificateLedger,
  certificatesService,
  ControlCertificate,
  JoinTokens,
} from "../identity/index.ts";
import { derToPem } from "../identity/x509/index.ts";
import { KeySetKeeper } from "../jwks/index.ts";
import { Lifecycle, systemClock } from "../kernel/index.ts";
import { PlaintextCallers, PolicyDecisions, Refusals, TapHub, telemetryMethods } from "../observe/index.ts";
import { Registry } from "../registry/index.ts";
import { openSqliteStore } from "../store/index.ts";
import { openProcessAttestation } from "./attestation/process-attestation.ts";
import { openAuthority, tokensOf } from "./authority.ts";
import { certificatesStatus, changeRevocation } from "./certificates-view.ts";
import { CompiledSource } from "./compiled-source.ts";
import { Configuration } from "./configuration.ts";
import { type DataDirectory, openDataDirectory, writeFileAtomically } from "./data-directory.ts";
import { apiPart, closer, proxyPortPart } from "./drainables.ts";
import { writeInitialObjects } from "./initial-objects.ts";
import type { ControlOptions, RunningControl } from "./control-options.ts";
import { openObservation } from "./observed/observation.ts";
import { plaintextCallerList, refusalList } from "./policy-reports.ts";
import { encodeMetrics } from "./metrics.ts";
import { ProxyDirectory } from "./proxy-directory.ts";
import { LiveExplainer } from "./explain/live-explainer.ts";
import { openPlanner } from "./plan/open-planner.ts";
import { encodePushMetrics } from "./push-metrics.ts";
import { serveProxyPort } from "./proxy-port.ts";
import { figuresFrom } from "./rollout/rollout-figures.ts";
import { RefusedObjects } from "./refused-objects.ts";
import { Rollouts } from "./rollout/rollouts.ts";
import { Sharing } from "./replicas/sharing.ts";
import { Scrapes } from "./scrapes.ts";
import { ShownCertificates } from "./shown-certificates.ts";
import { StatusQueue } from "./status-queue.ts";
import { tapProviders } from "./tap-providers.ts";
import { TrustControl } from "./trust-control.ts";

/** Requests to the API and calls of proxies last milliseconds; watches and discovery streams are ended at once. */
const drainDeadlineMs = 5_000;

/** Throws WeftError; then nothing is left open. */
export async function startControl(options: ControlOptions): Promise<RunningControl> {
  const opened: (() => void | Promise<void>)[] = [];
  try {
    return await start(options, opened);
  } catch (error) {
    for (const close of opened.toReversed()) await close();
    throw error;
  }
}

async function start(
  options: ControlOptions,
  opened: (() => void | Promise<void>)[],
): Promise<RunningControl> {
  const { log } = options;
  const clock = options.clock ?? systemClock;
  const startTimeMs = clock.nowMs();
  const opening = <T>(part: T, close: (part: T) => void | Promise<void>): T => {
    opened.push(() => close(part));
    return part;
  };

  const data = opening(openDataDirectory(options.dataDir, log), (part) => part.release());
  const { sharedStore } = options;
  const sharing =
    sharedStore === undefined
      ? undefined
      : opening(await Sharing.open(sharedStore, data, { clock, log }), (part) => part.close());
  const ownAuthority = (): CertificateAuthority => openAuthority(options, data, clock);
  const authority = opening(
    (await sharing?.openAuthority(ownAuthority, options.plugged !== undefined)) ?? ownAuthority(),
    (part) => part.close(),
  );
  const { trustDomain } = authority;
  const ledger = opening(CertificateLedger.open(data.certificatesFile, clock), (part) => part.close());
  const tokens = opening(sharing?.joinTokens ?? JoinTokens.open(data.joinTokensFile, clock), (part) =>
    part.close(),
  );
  const store =
    sharing?.store ?? opening(openSqliteStore({ path: data.storeFile, clock, log }), (part) => part.close());
  const audit = opening(new AuditLog({ directory: data.auditDirectory, store, clock, log }), (part) =>
    part.close(),
  );
  await writeInitialObjects(store);
  const registry = opening(new Registry({ store, clock, log, replica: sharing?.registryReplica }), (part) =>
    part.close(),
  );
  const statuses = opening(
    new StatusQueue({ store: sharing?.leadingStore ?? store, clock, log, lead: sharing?.lead }),
    (part) => part.close(),
  );
  const configuration = opening(
    new Configuration({
      store,
      registry,
      statuses,
      trustDomain,
      trustRoots: authority.trustRoots(),
      gatewayAddress: options.gatewayAddress,
      log,
    }),
    (part) => part.close(),
  );
  await configuration.recover();
  const keySets = opening(
    new KeySetKeeper({
      ...options.keySets,
      directory: data.keySetDirectory,
      onKeySet: (uri, document, error) => configuration.setJwks(uri, document, error),
      clock,
      log,
    }),
    (part) => part.close(),
  );
  keySets.want(configuration.wantedJwks());
  // Not within the step that tells all listeners of a change: what is on disk makes another one at once.
  configuration.subscribe(() => queueMicrotask(() => keySets.want(configuration.wantedJwks())));
  const core = opening(new SubscriptionCore(new CompiledSource(configuration), clock), (part) =>
    part.close(),
  );
  const directory = new ProxyDirectory(
    registry,
    trustDomain,
    (addresses) => configuration.setGatewayAddresses(addresses),
    () => clock.nowMs(),
  );
  const refused = opening(
    new RefusedObjects({ core, directory, configuration, store, statuses, clock, log }),
    (part) => part.close(),
  );
  const certificate = opening(new ControlCertificate({ authority, clock, log }), (part) => part.stop());
  const ports: GrpcServer[] = [];
  const trust = opening(
    new TrustControl({
      ...{ authority, ledger, configuration, core, directory, clock, log },
      ...(sharing === undefined ? {} : { lead: sharing.lead, published: () => sharing.published() }),
      publishRoots: () => publishRoots(data, authority),
      closePeers: (isUnwanted) => ports.reduce((count, port) => count + port.closePeers(isUnwanted), 0),
    }),
    (part) => part.close(),
  );
  const shown = opening(
    new ShownCertificates({ ledger, rootOf: (name) => trust.rootOf(name), clock, log }),
    (part) => part.flush(),
  );
  const version = options.version ?? "unknown";
  sharing?.join({
    ...{ authority, ledger, registry, directory, core, configuration, version, startTimeMs },
    sendAway: () => {
      for (const port of ports) port.closePeers(() => true);
    },
  });
  if (sharing !== undefined) opened.push(() => sharing.leave());
  const certificateParts = { authority, ledger, directory, log, shared: sharing?.ledger };
  const isRevoked = (der: Uint8Array): boolean => trust.isRevoked(der);
  const taps = new TapHub({ clock });
  const plaintextCallers = new PlaintextCallers(clock);
  const observation = opening(
    openObservation({
      ...{ registry, store, directory, configuration, plaintextCallers, clock, log },
      prometheusUrl: options.prometheusUrl,
      path: data.signalsFile,
      meshStatus: () => meshStatus(),
      certificates: () => certificatesStatus(certificateParts),
    }),
    (part) => part.close(),
  );
  const { aggregator } = observation;
  const rollouts = opening(
    new Rollouts({
      ...{ store, configuration, core, trustDomain, clock, log },
      registry: registry.views,
      trustRoots: authority.trustRoots(),
      figuresOf: figuresFrom(aggregator),
      slotMs: aggregator.detail.slotMs,
      reportIntervalMs: () => observation.reporters.intervalMs,
      isJudge: () => sharing?.lead.isLeading() ?? true,
      ...(sharing === undefined ? {} : { elsewhere: () => sharing.trialsElsewhere() }),
    }),
    (part) => part.close(),
  );
  sharing?.tellTrial(() => rollouts.report);
  const [refusals, decisions] = [new Refusals(), new PolicyDecisions()];
  const [handshakeRefusals, attestationRefusals] = [new Map<string, number>(), new Map<string, number>()];
  const apiRefusals = new Map<string, number>();
  const attestationRefused = (attestor: string, refusal: string): void =>
    countIn(attestationRefusals, `${attestor} ${refusal}`);
  const belowThePorts = [...opened];
  const processes = opening(
    await openProcessAttestation(options.processAttestation, {
      onRefused: (reason) => attestationRefused("process", reason),
      clock,
      log,
    }),
    (part) => part?.close(),
  );

  const proxyPort = opening(
    serveProxyPort({
      listen: options.ads,
      trustDomain,
      certificate,
      certificates: certificatesService({
        ...{ authority, tokens, ledger, isRevoked, clock, log },
        serviceAccountTokens: tokensOf(options, sharing?.ledger ?? ledger, clock),
        processTickets: processes?.tickets,
        onAttestationRefused: attestationRefused,
      }),
      isRevoked,
      onShown: (...seen) => shown.note(...seen),
      onRefused: (reason) => countIn(handshakeRefusals, reason),
      catchUp: sharing === undefined ? undefined : (revision) => sharing.catchUp(revision),
      core,
      registry,
      directory,
      taps,
      telemetry: telemetryMethods(aggregator, observation.reporters, [
        ...[refusals, plaintextCallers, decisions, observation.ejections],
      ]),
      gatewayServiceAccounts: () => configuration.meshConfig.spec.gatewayServiceAccounts,
      clock,
      log,
    }),
    (part) => part.close(),
  );
  ports.push(proxyPort);
  const planner = opening(
    openPlanner({ store, registry, core, taps, plaintextCallers, clock, trustDomain, configuration }),
    (part) => part.close(),
  );
  const meshStatus = (): MeshStatus => ({
    revision: store.revision,
    sequence: store.sequence,
    compiledRevision: configuration.revision,
    trustDomain,
    version,
    startTimeMs,
    isLivenessFrozen: registry.isFrozen,
    ...(sharing === undefined ? {} : { replicas: sharing.replicas() }),
    proxies: directory.statuses(core, (resource) => refused.objectsOf(resource)),
  });
  const api = startApiServer({
    store,
    token: sharing?.token ?? data.token,
    tokenFile: options.apiTokenFile,
    oidc: options.oidc,
    trustDomain,
    listen: apiListen(options.api, options.apiTls),
    besideUnixPath: options.apiSocket,
    audit,
    ...(options.hostNames === undefined ? {} : { hostNames: options.hostNames }),
    dashboard: options.dashboard,
    isRevoked,
    onRefused: (reason) => countIn(apiRefusals, reason),
    version,
    log,
    clock,
    providers: {
      meshStatus,
      metrics: () =>
        encodeMetrics({
          status: meshStatus(),
          totals: aggregator.totals.values(),
          telemetry: observation.figures(),
          keySets: keySets.figures,
          refusals: handshakeRefusals,
          apiRefusals,
          decisions: decisions.list(),
          attestationRefusals,
          taps,
        }) + encodePushMetrics(core),
      telemetry: observation.providers,
      refusals: (requestId) => refusalList(refusals, requestId),
      plaintextCallers: () =>
        plaintextCallerList(plaintextCallers, (address) => {
          const owner = registry.views.addressOwner(address);
          return owner?.kind === "workload" ? owner.workload.path : undefined;
        }),
      taps: tapProviders(taps),
      scrapes: new Scrapes(directory),
      rollouts,
      plans: planner,
      explanations: new LiveExplainer({
        ...{ store, registry, configuration, taps, trustDomain, clock },
        refusals: (requestId) => refusalList(refusals, requestId).items,
      }),
      createJoinToken: async (request) => tokens.create(request),
      trust: {
        rotation: () => trust.status(),
        rotate: (request) => trust.request(request),
        certificates: () => certificatesStatus(certificateParts),
        changeRevocation: async (request) => {
          await changeRevocation(certificateParts, request);
          return certificatesStatus(certificateParts);
        },
      },
    },
  });

  opening(
    ledger.onRevoked(() => api.endRevoked()),
    (unsubscribe) => unsubscribe(),
  );

  const lifecycle = new Lifecycle(clock);
  // Drained from the last to the first. What is below the ports has nothing in flight but writes of status.
  lifecycle.add(closer(belowThePorts));
  lifecycle.add(proxyPortPart(proxyPort, directory, clock));
  lifecycle.add(apiPart(api));
  if (processes !== undefined) lifecycle.add(closer([() => processes.close()]));
  log.ready({
    api: api.url,
    ads: `${proxyPort.hostname}:${proxyPort.port}`,
    mesh: meshConfigName,
    trustDomain,
  });
  return {
    apiUrl: api.url,
    apiPort: api.port,
    ads: { address: proxyPort.hostname, port: proxyPort.port },
    trustDomain,
    get trustRootsPem() {
      return rootsPem(authority);
    },
    tokenFile: data.tokenFile,
    drain: () => lifecycle.drain(drainDeadlineMs),
    force: () => lifecycle.force(),
  };
}

function apiListen(api: ControlOptions["api"], tls: ApiTls | undefined): ApiListen {
  return "unixPath" in api ? { kind: "unix", ...api } : { kind: "tcp", ...api, tls };
}

/** Roots are no secret: programs outside the mesh check the control plane by them. */
function publishRoots(data: DataDirectory, authority: CertificateAuthority): void {
  writeFileAtomically(data.rootFile, rootsPem(authority), 0o644);
}

function rootsPem(authority: CertificateAuthority): string {
  return authority
    .trustRoots()
    .map((der) => derToPem(der))
    .join("");
}

function countIn(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
