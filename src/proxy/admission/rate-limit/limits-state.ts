/**
 * What is left of limits, for as long as they are configured: a change of something else changes nothing here, and one
 * limit at several places of a proxy is one. Filters come and go, and what they used last stays for a while.
 */
import { createHash } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import { RatePlan, TokenRate, type TrustDomains } from "../../../decide/admission/index.ts";
import {
  type RateLimit,
  RateLimitSchema,
  RateLimitScope,
  type RateLimitStore,
} from "../../../model/index.ts";
import type { AdmissionContext } from "../context.ts";
import { LocalLimit } from "./local-limit.ts";
import type { QuotaKeeper } from "./quota.ts";
import { leaseArguments, leaseScript } from "./redis/lease-script.ts";
import { LeaseStore } from "./redis/lease-store.ts";
import { RedisLink } from "./redis/redis-link.ts";
import { probeKey, SharedLimit } from "./shared-limit.ts";

/** Where a limit says nothing. */
const defaultStoreTimeoutMs = 100;
/** A limit that nobody uses any more may come back by the next change. */
const keptUs = 60_000_000;

interface Shared<T> {
  readonly value: T;
  readonly close: () => void;
  users: number;
  idleSinceUs: number;
}

export class LimitsState {
  readonly #context: AdmissionContext;
  readonly #keepers = new Map<string, Shared<QuotaKeeper>>();
  readonly #stores = new Map<string, Shared<LeaseStore>>();

  constructor(context: AdmissionContext) {
    this.#context = context;
  }

  /** To be released as often as it was acquired. */
  acquire(limit: RateLimit): { readonly keeper: QuotaKeeper; release(): void } {
    const nowUs = this.#context.clock.monotonicUs();
    purge(this.#keepers, nowUs);
    purge(this.#stores, nowUs);
    const mesh = trustDomainsOf(this.#context);
    const shared = use(this.#keepers, fingerprint(limit, mesh), () => this.#make(limit, mesh));
    return { keeper: shared.value, release: () => this.#letGo(shared) };
  }

  #letGo(shared: Shared<unknown>): void {
    shared.users--;
    shared.idleSinceUs = this.#context.clock.monotonicUs();
  }

  #make(limit: RateLimit, mesh: TrustDomains): Pick<Shared<QuotaKeeper>, "value" | "close"> {
    const { metrics, clock, log, processes } = this.#context;
    const onEvicted = (): void => metrics.asked("rate_limit_bucket", "evicted");
    const { store } = limit;
    const isShared = limit.scope === RateLimitScope.GLOBAL;
    if (isShared && store !== undefined && store.unresolved === "") {
      const source = use(this.#stores, storeKey(store), () => this.#connect(store));
      const onStandIn = (): void => metrics.asked("redis", "stand_in");
      const plan = new RatePlan(limit, mesh, 1);
      const keeper = new SharedLimit({ plan, source: source.value, clock, processes, onEvicted, onStandIn });
      return {
        value: keeper,
        close: () => {
          keeper.close();
          this.#letGo(source);
        },
      };
    }
    if (isShared) {
      const { namespace = "", name = "", section = "" } = limit.source ?? {};
      log.warn("a shared rate limit is counted by each proxy alone", {
        policy: `${namespace}/${name}`,
        limit: section,
        cause: store?.unresolved ?? "it names no store",
      });
    }
    const keeper = new LocalLimit(new RatePlan(limit, mesh, processes), onEvicted);
    return { value: keeper, close: () => keeper.close() };
  }

  #connect(store: RateLimitStore): Pick<Shared<LeaseStore>, "value" | "close"> {
    const { username, password, database, cluster } = store;
    const key = probeKey(store.keyPrefix);
    const link = new RedisLink(this.#context, {
      cluster,
      username,
      password,
      database,
      timeoutMs: store.timeoutMs || defaultStoreTimeoutMs,
      clientName: "weft",
      probe: ["EVAL", leaseScript, ...leaseArguments({ key, rate: probeRate, need: 0, wish: 0, back: 0 })],
    });
    return { value: new LeaseStore(link, this.#context.metrics), close: () => link.close() };
  }
}

const probeRate = new TokenRate({ requests: 1n, periodMs: 1_000, burst: 1n });

function use<T>(
  all: Map<string, Shared<T>>,
  key: string,
  make: () => Pick<Shared<T>, "value" | "close">,
): Shared<T> {
  const known = all.get(key);
  const shared = known ?? { ...make(), users: 0, idleSinceUs: 0 };
  shared.users++;
  all.set(key, shared);
  return shared;
}

function purge<T>(all: Map<string, Shared<T>>, nowUs: number): void {
  for (const [key, shared] of all) {
    if (shared.users > 0 || nowUs - shared.idleSinceUs < keptUs) continue;
    all.delete(key);
    shared.close();
  }
}

/** Limits that are alike in everything are one. Holds no password as such. */
function fingerprint(limit: RateLimit, mesh: TrustDomains): string {
  const { trustDomain, trustDomainAliases } = mesh;
  const digest = createHash("sha256").update(toBinary(RateLimitSchema, limit));
  return digest.update(JSON.stringify([trustDomain, trustDomainAliases])).digest("base64");
}

/** Whose identities are this mesh's. */
export function trustDomainsOf(context: AdmissionContext): TrustDomains {
  return context.mesh() ?? { trustDomain: "", trustDomainAliases: [] };
}

function storeKey({ cluster, username, password, database, timeoutMs, keyPrefix }: RateLimitStore): string {
  const text = JSON.stringify([cluster, username, password, database, timeoutMs, keyPrefix]);
  return createHash("sha256").update(text).digest("base64");
}
