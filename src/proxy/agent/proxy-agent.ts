/** Puts the agent together: certificate, stream, subscriptions, last good configuration, membership, telemetry. */
import { join } from "node:path";
import { canonicalIp, type Clock, formatSpiffeId, type Log, WeftError } from "../../kernel/index.ts";
import { derToPem } from "../../identity/x509/index.ts";
import type { Address, Mesh, Name } from "../../model/index.ts";
import { machineAddresses, MachineWatch, type TlsIdentity } from "../../net/index.ts";
import type { ProxyBootstrap } from "../bootstrap.ts";
import { AdsClient } from "./ads-client.ts";
import type {
  Agent,
  AgentStatus,
  DemandKind,
  PendingLookup,
  Resolved,
  TapHandler,
  TapSender,
  TelemetrySource,
} from "./agent.ts";
import { CertificateKeeper } from "./certificate-keeper.ts";
import { Configuration, type SnapshotListener } from "./configuration.ts";
import type { ControlPlane } from "./control-plane.ts";
import { GrpcControlPlane } from "./grpc-control-plane.ts";
import { IdentitySource } from "./identity-source.ts";
import { LastGoodFile } from "./last-good.ts";
import { nodeOf, registrationOf } from "./introduction.ts";
import { Lookups } from "./lookups.ts";
import { Membership } from "./membership.ts";
import { Rejections } from "./rejections.ts";
import type { RawResource } from "./resource.ts";
import type { ResourceChange } from "./resource-change.ts";
import type { PreparedOutbound, Snapshot } from "./snapshot.ts";
import type { StagedCommit } from "./staging.ts";
import type { HeldIdentity } from "./stored-identity.ts";
import { type ResourceName, type SuppliedChange, suppliedChange } from "./supplied-change.ts";
import { TapStream } from "./tap-stream.ts";
import { TelemetryUpload } from "./telemetry-upload.ts";

export interface AgentOptions {
  readonly bootstrap: Pick<
    ProxyBootstrap,
    | "role"
    | "workload"
    | "controlPlane"
    | "joinTokenFile"
    | "serviceAccountTokenFile"
    | "attestationSocket"
    | "dataDir"
    | "capture"
    | "gateway"
  > &
    // Without it the control plane is not told where metrics are read.
    Partial<Pick<ProxyBootstrap, "admin">>;
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Of the gateway's machine, for the control plane to know where Gateways can be served; default: as they are. */
  readonly machineAddresses?: () => readonly string[];
  /** Another way to the control plane than gRPC over the bootstrap's address. */
  readonly controlPlane?: ControlPlane;
  /** Subscriptions on demand; default 4096. */
  readonly maxSubscriptions?: number;
  /**
   * Takes each change on to other processes that serve the same. Resolves when they run it: only then is it acknowledged.
   * Never rejects.
   */
  readonly carry?: (change: SuppliedChange) => Promise<void>;
}

/** An agent that can tell other processes all that it knows. */
export interface ParentAgent extends Agent {
  everything(): SuppliedChange;
}

/** A program that dials more different destinations than this pays with lookups; its proxy's memory stays bounded. */
const defaultMaxSubscriptions = 4_096;

/** Starts at once: from disk where there is something, and towards the control plane. */
export function createAgent(options: AgentOptions): ParentAgent {
  return new ProxyAgent(options);
}

const demandKinds: readonly DemandKind[] = ["Address", "Name", "Outbound"];

class ProxyAgent implements ParentAgent {
  readonly #options: AgentOptions;
  readonly #controlPlane: ControlPlane;
  readonly #configuration: Configuration;
  readonly #lookups: Lookups;
  readonly #membership: Membership;
  readonly #ads: AdsClient;
  readonly #lastGood: LastGoodFile;
  readonly #identities: IdentitySource;
  readonly #keeper: CertificateKeeper;
  readonly #rejections = new Rejections();
  readonly #ready = Promise.withResolvers<void>();
  #machine: MachineWatch | undefined;
  #held: HeldIdentity | undefined;
  #upload: TelemetryUpload | undefined;
  #taps: TapStream | undefined;
  #carried: Promise<void> | undefined;
  #isRestoring = false;
  #isClosed = false;

  constructor(options: AgentOptions) {
    const { bootstrap, clock, log, random = Math.random } = options;
    const { workload, dataDir } = bootstrap;
    this.#options = options;
    // On Unix sockets somebody else has the addresses.
    const tells = bootstrap.role === "gateway" && bootstrap.gateway?.kind === "tcp";
    const machine = tells ? (options.machineAddresses ?? machineAddresses) : undefined;
    // Nobody has to wait for readiness: a close before it is no unhandled rejection.
    this.#ready.promise.catch(() => {});
    this.#identities = new IdentitySource(log);
    this.#controlPlane = options.controlPlane ?? this.#grpcControlPlane();
    this.#configuration = new Configuration(
      workload.addresses.flatMap((each) => canonicalIp(each) ?? []),
      log,
    );
    this.#configuration.onSnapshot(({ mesh }, previous) => {
      if (mesh !== previous.mesh) this.#meshChanged(mesh);
    });
    const { carry } = options;
    if (carry !== undefined) {
      this.#configuration.carryTo((changes, revision) => {
        this.#carried = carry(suppliedChange(changes, revision));
      });
    }
    this.#membership = new Membership({ controlPlane: this.#controlPlane, clock, log, random });
    this.#lookups = new Lookups({
      configuration: this.#configuration,
      clock,
      log,
      limit: options.maxSubscriptions ?? defaultMaxSubscriptions,
      clientNamespace: workload.namespace,
      onAdded: (name) => this.#ads.subscribe(name),
      onEnded: (names) => {
        this.#ads.unsubscribe(names);
        this.#lastGood.markOverruled();
      },
    });
    this.#ads = new AdsClient({
      controlPlane: this.#controlPlane,
      configuration: this.#configuration,
      clock,
      log,
      random,
      isGateway: bootstrap.role === "gateway",
      node: () => nodeOf(bootstrap, machine?.(), this.snapshot.revision),
      demands: (kind) => this.#lookups.keys(kind),
      isDemanded: (name) => this.#lookups.has(name),
      onState: (state) => {
        this.#membership.setOnline(state === "open");
        this.#taps?.setOnline(state === "open");
      },
      carried: () => this.#settled(),
      onCommit: (commit, overrules) => this.#committed(commit, overrules),
    });
    if (machine !== undefined) {
      this.#machine = new MachineWatch(machine, clock, () => {
        if (this.#keeper.identity !== undefined) this.#ads.restart();
      });
    }
    this.#lastGood = new LastGoodFile({
      path: join(dataDir, "last-good.bin"),
      clock,
      log,
      current: () => ({ revision: this.snapshot.revision, resources: this.#configuration.resources() }),
    });
    this.#keeper = new CertificateKeeper({
      path: join(dataDir, "identity.json"),
      namespace: workload.namespace,
      workload: workload.name,
      serviceAccount: workload.serviceAccount,
      joinTokenFile: bootstrap.joinTokenFile,
      serviceAccountTokenFile: bootstrap.serviceAccountTokenFile,
      attestationSocket: bootstrap.attestationSocket,
      trustRootsPem: bootstrap.controlPlane.trustRootsPem,
      issue: (request, token) => this.#controlPlane.issue(request, token),
      clock,
      log,
      random,
      onIdentity: (identity) => this.#certified(identity),
    });
    this.#restore();
    const { capture } = bootstrap;
    if (capture.kind === "explicit")
      for (const { service, servicePort } of capture.outbound) this.#lookups.declare(service, servicePort);
    this.#keeper.start();
  }

  get snapshot(): Snapshot {
    return this.#configuration.snapshot;
  }

  get status(): AgentStatus {
    const held = this.#held;
    return {
      isReady: this.#isReady(),
      isConnected: this.#ads.isConnected,
      revision: this.snapshot.revision,
      identity: held === undefined ? "" : formatSpiffeId(held.id),
      certificateNotAfterMs: held?.notAfterMs ?? 0,
      subscriptions: this.#lookups.size,
      rejected: this.#rejections.all,
      lastError: this.#ads.lastError === "" ? this.#keeper.lastError : this.#ads.lastError,
    };
  }

  everything(): SuppliedChange {
    const upserts = [...this.#configuration.resources()].map(
      ({ kind, name, version, bytes }): RawResource => ({ kind, name, version, bytes }),
    );
    const removals = demandKinds.flatMap((kind) =>
      this.#lookups.unknown(kind).map((name): ResourceName => ({ kind, name })),
    );
    return { revision: this.snapshot.revision, upserts, removals };
  }

  onSnapshot(listener: SnapshotListener): () => void {
    return this.#configuration.onSnapshot(listener);
  }

  resolveAddress(
    ip: string,
    deadlineMs: number,
    callback: (result: Resolved<Address>) => void,
  ): PendingLookup | undefined {
    return this.#lookups.address(ip, deadlineMs, callback);
  }

  resolveOutbound(
    key: string,
    deadlineMs: number,
    callback: (result: Resolved<PreparedOutbound>) => void,
  ): PendingLookup | undefined {
    return this.#lookups.outbound(key, deadlineMs, callback);
  }

  resolveName(
    fqdn: string,
    deadlineMs: number,
    callback: (result: Resolved<Name>) => void,
  ): PendingLookup | undefined {
    return this.#lookups.name(fqdn, deadlineMs, callback);
  }

  prefetch(ip: string): void {
    this.#lookups.prefetch(ip);
  }

  touch(kind: DemandKind, key: string): void {
    this.#lookups.touch(kind, key);
  }

  identity(): TlsIdentity {
    return this.#identities.require();
  }

  onIdentity(listener: (identity: TlsIdentity) => void): () => void {
    return this.#identities.onChange(listener);
  }

  ready(): Promise<void> {
    return this.#ready.promise;
  }

  announce(tunnel: { readonly address: string; readonly port: number }): void {
    this.#membership.announce(registrationOf(this.#options.bootstrap, tunnel));
  }

  reportTelemetry(source: TelemetrySource): void {
    const { clock, log } = this.#options;
    const isOnline = (): boolean => this.#ads.isConnected;
    this.#upload = new TelemetryUpload({ controlPlane: this.#controlPlane, source, clock, log, isOnline });
  }

  serveTaps(handler: TapHandler): TapSender {
    const { clock, random = Math.random } = this.#options;
    this.#taps = new TapStream({ controlPlane: this.#controlPlane, handler, clock, random });
    this.#taps.setOnline(this.#ads.isConnected);
    return this.#taps;
  }

  async drainAndLeave(whenDrained: () => Promise<void>): Promise<void> {
    await this.#membership.leave(true);
    await whenDrained();
    await this.#upload?.finish();
    await this.#membership.leave(false);
    await this.#lastGood.flush();
    this.close();
  }

  async handOver(whenDrained: () => Promise<void>): Promise<void> {
    this.#membership.close();
    this.#lastGood.close();
    this.#keeper.close();
    await whenDrained();
    await this.#upload?.finish();
    this.close();
  }

  flush(): Promise<void> {
    return this.#lastGood.flush();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ready.reject(new WeftError("unavailable", "the agent was closed before it was ready"));
    this.#upload?.close();
    this.#taps?.close();
    this.#membership.close();
    this.#machine?.close();
    this.#keeper.close();
    this.#ads.close();
    this.#controlPlane.close();
    this.#lastGood.close();
    this.#lookups.close();
  }

  #grpcControlPlane(): ControlPlane {
    const { bootstrap, clock, log } = this.#options;
    return new GrpcControlPlane({
      endpoints: [bootstrap.controlPlane, ...(bootstrap.controlPlane.others ?? [])],
      random: this.#options.random ?? Math.random,
      // Without a certificate: the roots that it was told, and those that the mesh had when it was last there.
      trustRootsPem: () =>
        bootstrap.controlPlane.trustRootsPem +
        (this.snapshot.mesh?.trustRoots ?? []).map((der) => derToPem(der)).join(""),
      ...(bootstrap.capture.kind === "redirect" ? { mark: bootstrap.capture.mark } : {}),
      // An expired certificate would only be refused; without one, a join token can still be used.
      identity: () => (this.#keeper.identity === undefined ? undefined : this.#identities.current),
      trustDomain: () => this.#held?.id.trustDomain,
      clock,
      log,
    });
  }

  #restore(): void {
    const stored = this.#lastGood.load();
    if (stored === undefined) return;
    const changes = stored.resources.map((resource): ResourceChange => ({ type: "upsert", resource }));
    this.#isRestoring = true;
    this.#configuration.apply(changes, stored.revision);
    this.#isRestoring = false;
    this.#lookups.restore(stored.resources);
    const { revision } = stored;
    this.#options.log.info("serving the last good configuration", { revision, resources: changes.length });
  }

  #meshChanged(mesh: Mesh | undefined): void {
    // What was stored with the certificate is newer than the configuration on disk.
    if (!this.#isRestoring) this.#identities.setMesh(mesh);
    if (mesh !== undefined) this.#keeper.setMesh(mesh, !this.#isRestoring);
  }

  #certified(held: HeldIdentity): void {
    this.#held = held;
    this.#identities.setCertificate(held);
    // The connection of before was proven with a certificate that will expire: the next stream is on a new one.
    this.#controlPlane.renewConnection();
    this.#ads.restart();
    this.#checkReady();
  }

  /** Workers run it, and a restart would not go back behind it. */
  #settled(): Promise<void> | undefined {
    const [carried, settled] = [this.#carried, this.#lastGood.settled()];
    if (carried === undefined || settled === undefined) return carried ?? settled;
    return Promise.all([carried, settled]).then(() => undefined);
  }

  #committed(commit: StagedCommit, overrules: boolean): void {
    for (const resource of this.#rejections.note(commit)) {
      this.#options.log.warn("a resource cannot be used and stays as it was", { resource });
    }
    if (overrules) this.#lastGood.markOverruled();
    else this.#lastGood.markStale();
    this.#lookups.settle(commit.changes);
    this.#checkReady();
  }

  #isReady(): boolean {
    if (this.#keeper.identity === undefined || this.snapshot.mesh === undefined) return false;
    const needsInbound = this.#options.bootstrap.role === "sidecar" && this.#membership.isAnnounced;
    return !needsInbound || this.snapshot.inboundTable !== undefined;
  }

  #checkReady(): void {
    if (this.#isReady()) this.#ready.resolve();
  }
}
