/**
 * What a control plane shares with the others of its mesh, over etcd: opened before the CA, joined when its rooms are there.
 * Everything here has a local counterpart (files and SQLite in the data directory), which is used where there is no sharing.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { SubscriptionCore } from "../../distribute/index.ts";
import type { CertificateAuthority, CertificateLedger } from "../../identity/index.ts";
import { type Clock, errorLine, type Log, WeftError } from "../../kernel/index.ts";
import type { Registry, RegistryReplica } from "../../registry/index.ts";
import { type EtcdReplica, openEtcdReplica } from "../../store/etcd/index.ts";
import type { Store } from "../../store/index.ts";
import type { Configuration } from "../configuration.ts";
import { type DataDirectory, writeFileAtomically } from "../data-directory.ts";
import type { Lead } from "../lead.ts";
import type { ProxyDirectory } from "../proxy-directory.ts";
import type { TrialReport } from "../rollout/trial.ts";
import { CaFiles } from "./ca-files.ts";
import { LedgerLink } from "./ledger-link.ts";
import { PresenceLink } from "./presence-link.ts";
import { SharedJoinTokens } from "./shared-join-tokens.ts";
import { withTrial } from "./trial-records.ts";

export interface SharedStoreSettings {
  /** `etcd://…` */
  readonly url: string;
  /** Opens what etcd holds. */
  readonly keyFile: string;
  /** So long after its death the others take a replica for dead. Default: 5. */
  readonly leaseSeconds?: number;
}

export interface SharingParts {
  readonly authority: CertificateAuthority;
  readonly ledger: CertificateLedger;
  readonly registry: Registry;
  readonly directory: ProxyDirectory;
  readonly core: SubscriptionCore;
  readonly configuration: Configuration;
  readonly version: string;
  readonly startTimeMs: number;
  /** Ends the streams of all proxies here: they go on at another control plane. */
  readonly sendAway: () => void;
}

export interface ReplicaStatus {
  readonly name: string;
  readonly leading: boolean;
  readonly revision: number;
  readonly proxies: number;
  readonly version: string;
  readonly startTimeMs: number;
}

const tokenName = "api-token";
const draining = "draining/";
/** A proxy that reconnects waits no longer; then it hears why, and tries another control plane. */
const catchUpMs = 2_000;
const lookEveryMs = 5;
/** A moment without etcd is no reason to move everybody. */
const sendAwayAfterMs = 3_000;

export class Sharing {
  readonly store: Store;
  /** Writes of the leader alone. */
  readonly leadingStore: Store;
  readonly lead: Lead;
  readonly joinTokens: SharedJoinTokens;
  /** The API's bearer token, the same at all replicas. */
  readonly token: string;
  readonly registryReplica: RegistryReplica;
  readonly #replica: EtcdReplica;
  readonly #caFiles: CaFiles;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #closers: (() => void)[] = [];
  #ledger: LedgerLink | undefined;
  #presence: PresenceLink | undefined;
  #parts: SharingParts | undefined;
  #trial: () => TrialReport | undefined = () => undefined;

  private constructor(
    replica: EtcdReplica,
    {
      token,
      caFiles,
      clock,
      log,
    }: {
      readonly token: string;
      readonly caFiles: CaFiles;
      readonly clock: Clock;
      readonly log: Log;
    },
  ) {
    this.#replica = replica;
    this.#caFiles = caFiles;
    this.#clock = clock;
    this.#log = log;
    this.token = token;
    this.store = replica.store;
    this.leadingStore = replica.leading;
    this.lead = {
      isLeading: () => replica.election.isLeading,
      onChange: (listener) => replica.election.onChange(listener),
    };
    this.joinTokens = new SharedJoinTokens(replica.values, clock);
    this.registryReplica = {
      leadingStore: replica.leading,
      isLeading: () => replica.election.isLeading,
      tellDraining: (workload, isDraining) =>
        replica.values.set(new Map([[draining + workload, isDraining ? Buffer.from("1") : undefined]])),
    };
  }

  /** Throws `unavailable` where etcd does not answer, `bad_input`, `permission` or `io` for a key that cannot be used. */
  static async open(
    settings: SharedStoreSettings,
    data: DataDirectory,
    { clock, log }: { readonly clock: Clock; readonly log: Log },
  ): Promise<Sharing> {
    const replica = await openEtcdReplica({ ...settings, replica: replicaName(data), clock, log });
    try {
      const token = await sharedToken(replica, data);
      const caFiles = new CaFiles(replica.values, data.authorityDirectory, log);
      return new Sharing(replica, { token, caFiles, clock, log });
    } catch (error) {
      await replica.close();
      throw error;
    }
  }

  get name(): string {
    return this.#replica.name;
  }

  /** The mesh's CA, made by the first replica. A CA that is plugged in is everybody's own affair. */
  async openAuthority(open: () => CertificateAuthority, isPlugged: boolean): Promise<CertificateAuthority> {
    if (isPlugged) return open();
    await this.#caFiles.fetch();
    return await this.#caFiles.found(open);
  }

  /** Resolves when the others can see the CA as it is here. */
  async published(): Promise<void> {
    const authority = this.#parts?.authority;
    if (authority !== undefined && !authority.isPlugged) await this.#caFiles.push(authority);
  }

  get ledger(): LedgerLink | undefined {
    return this.#ledger;
  }

  join(parts: SharingParts): void {
    this.#parts = parts;
    const { authority, ledger, registry, directory, core, configuration, version, startTimeMs } = parts;
    const { election, session, values } = this.#replica;
    if (!authority.isPlugged) this.#closers.push(this.#caFiles.follow(authority));
    this.#ledger = new LedgerLink({
      ...{ values, ledger, clock: this.#clock, log: this.#log },
      isLeading: () => election.isLeading,
    });
    this.#followDraining(registry);
    this.#presence = new PresenceLink({
      replica: this.#replica,
      own: () =>
        withTrial(
          {
            replica: { startMs: startTimeMs, revision: configuration.revision, version },
            proxies: directory.records(core),
          },
          this.#trial(),
        ),
      onElsewhere: (proxies) => directory.setElsewhere(proxies),
      clock: this.#clock,
      log: this.#log,
    });
    this.#closers.push(
      election.onChange((isLeading) => {
        if (isLeading) registry.lead();
      }),
      session.onChange((lease) => {
        if (lease === undefined) this.#clock.after(sendAwayAfterMs, () => this.#sendAway());
      }),
    );
    if (election.isLeading) registry.lead();
  }

  /** What there is to tell the others of a configuration on trial; undefined: nothing. */
  tellTrial(trial: () => TrialReport | undefined): void {
    this.#trial = trial;
  }

  /** The other control planes, and what they tell of a configuration on trial. */
  trialsElsewhere(): {
    readonly replicas: number;
    readonly isMixed: boolean;
    readonly reports: TrialReport[];
  } {
    const others = [...(this.#presence?.others.values() ?? [])];
    const isMixed = others.some(({ version }) => version !== this.#parts?.version);
    return { replicas: others.length, isMixed, reports: this.#presence?.trials ?? [] };
  }

  /** For a proxy that runs a newer revision than is known here. */
  async catchUp(revision: number): Promise<string | undefined> {
    const { configuration } = this.#parts ?? {};
    if (configuration === undefined) return "this control plane is just starting";
    const deadline = new Promise<"late">(
      (resolve) => void this.#clock.after(catchUpMs, () => resolve("late")),
    );
    const behind = (): string =>
      `this control plane is at revision ${configuration.revision}, behind the proxy's ${revision}, and etcd does not answer`;
    try {
      if ((await Promise.race([this.#replica.store.catchUp(), deadline])) === "late") return behind();
    } catch (error) {
      this.#log.debug("a proxy is ahead of this replica", { revision, error: errorLine(error) });
      return behind();
    }
    const untilUs = this.#clock.monotonicUs() + catchUpMs * 1_000;
    while (configuration.revision < this.store.revision && this.#clock.monotonicUs() < untilUs)
      await new Promise<void>((resolve) => void this.#clock.after(lookEveryMs, resolve));
    if (this.store.revision < revision) {
      // Nobody has more: the store was restored from an older state, and what it holds now is the mesh's configuration.
      this.#log.warn("a proxy runs a newer revision than etcd holds; was the mesh restored from a backup?", {
        revision,
        newest: this.store.revision,
      });
    }
    return undefined;
  }

  /** This one first, the others by name. */
  replicas(): ReplicaStatus[] {
    const parts = this.#parts;
    const leader = this.#replica.election.leader;
    const own: ReplicaStatus = {
      name: this.name,
      leading: this.#replica.election.isLeading,
      revision: parts?.configuration.revision ?? 0,
      proxies: parts?.directory.records(parts.core).length ?? 0,
      version: parts?.version ?? "",
      startTimeMs: parts?.startTimeMs ?? 0,
    };
    const others = [...(this.#presence?.others ?? [])].map(
      ([name, { revision, proxies, version, startMs }]): ReplicaStatus => ({
        ...{ name, revision, proxies, version },
        leading: name === leader,
        startTimeMs: startMs,
      }),
    );
    return [own, ...others.toSorted((a, b) => (a.name < b.name ? -1 : 1))];
  }

  /** Before the rooms that it was joined with are closed. */
  leave(): void {
    this.#presence?.close();
    this.#ledger?.close();
    for (const close of this.#closers.splice(0)) close();
  }

  async close(): Promise<void> {
    this.leave();
    await this.#replica.close();
  }

  #followDraining(registry: Registry): void {
    const { values, election } = this.#replica;
    const take = (names: Iterable<string>): void => {
      for (const name of names) {
        const workload = name.slice(draining.length);
        const isDraining = values.get(name) !== undefined;
        registry.setDraining(workload, isDraining);
        // What is left of workloads that are gone.
        if (isDraining && election.isLeading && registry.views.workload(workload) === undefined)
          void values.set(new Map([[name, undefined]])).catch(() => {});
      }
    };
    take([...values.names(draining)]);
    this.#closers.push(
      values.onChange((names) => take(names.filter((name) => name.startsWith(draining)))),
      election.onChange(() => take([...values.names(draining)])),
    );
  }

  /** Cut off from etcd while others are not, this one's proxies would count as lost everywhere else: they go there. */
  #sendAway(): void {
    if (this.#replica.session.lease !== undefined || (this.#presence?.others.size ?? 0) === 0) return;
    this.#log.warn("this control plane has lost etcd; its proxies are asked to go to another one");
    this.#parts?.sendAway();
  }
}

async function sharedToken(replica: EtcdReplica, data: DataDirectory): Promise<string> {
  const found = await replica.values.read(tokenName);
  const isOurs =
    found === undefined && (await replica.values.replace(tokenName, Buffer.from(data.token), 0n));
  if (isOurs) return data.token;
  const shared = found ?? (await replica.values.read(tokenName));
  if (shared === undefined) throw new WeftError("io", "the API's token has gone from etcd while it was read");
  const token = Buffer.from(shared.value).toString();
  if (token !== data.token) writeFileAtomically(data.tokenFile, `${token}\n`, 0o600);
  return token;
}

/** The host's name with something that tells apart several on it; kept, since the audit log's end is noted under it. */
function replicaName(data: DataDirectory): string {
  const file = join(data.path, "replica");
  try {
    const name = readFileSync(file, "utf8").trim();
    if (/^[a-z0-9.-]{1,80}$/.test(name)) return name;
  } catch {
    // There is none yet.
  }
  const host = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, "-")
    .slice(0, 60);
  const name = `${host}-${randomBytes(3).toString("hex")}`;
  writeFileAtomically(file, `${name}\n`, 0o600);
  return name;
}
