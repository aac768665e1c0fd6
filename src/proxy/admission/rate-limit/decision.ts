/**
 * One request before all limits of its place. Tokens are taken one limit after another, those that are known here first and
 * services last; the first that has none gives back what the others gave.
 *
 *   run --all have room--> continue
 *     |--one has none--> refusal, the rest given back
 *     '--somebody is asked--> suspended --answer--> run
 */
import type { TokenRate } from "../../../decide/admission/index.ts";
import type { RateLimit, Source } from "../../../model/index.ts";
import type { FilteredExchange, FilterRefusal, FilterStep, PolicyDeed } from "../filter.ts";
import { type AnswerHeaders, retryAfter } from "./answer-headers.ts";
import type { Quota, QuotaKeeper, Take } from "./quota.ts";
import type { ServiceLimits, ServiceVerdict } from "./service-limits.ts";

export interface KeptLimit {
  readonly limit: RateLimit;
  readonly keeper: QuotaKeeper;
  readonly headers: AnswerHeaders;
}

export interface DecisionRules {
  readonly kept: readonly KeptLimit[];
  readonly services: readonly ServiceLimits[];
  readonly nowUs: () => number;
}

interface Held {
  readonly kept: KeptLimit;
  readonly quota: Quota;
  readonly take: Take;
}

export class Decision {
  readonly #rules: DecisionRules;
  readonly #exchange: FilteredExchange;
  readonly #resume: (step: "continue" | FilterRefusal) => void;
  readonly #held: Held[] = [];
  #nowUs: number;
  #nextKept = 0;
  #nextService = 0;
  #cancelAsk: (() => void) | undefined = undefined;

  constructor(
    rules: DecisionRules,
    exchange: FilteredExchange,
    resume: (step: "continue" | FilterRefusal) => void,
  ) {
    this.#rules = rules;
    this.#exchange = exchange;
    this.#resume = resume;
    this.#nowUs = rules.nowUs();
  }

  run(): FilterStep {
    const { kept, services } = this.#rules;
    for (; this.#nextKept < kept.length; this.#nextKept++) {
      const step = this.#askKept(kept[this.#nextKept]);
      if (step !== undefined) return step;
    }
    for (; this.#nextService < services.length; this.#nextService++) {
      const step = this.#askService(services[this.#nextService]);
      if (step !== undefined) return step;
    }
    this.#tellLeast();
    return "continue";
  }

  /** The client is gone: it took nothing. */
  cancel(): void {
    this.#cancelAsk?.();
    this.#giveBack();
  }

  /** Undefined: go on. */
  #askKept(kept: KeptLimit | undefined): FilterStep | undefined {
    const quota = kept?.keeper.quotaOf(this.#exchange.request, this.#nowUs);
    if (kept === undefined || quota === undefined) return undefined;
    const take = quota.take(this.#nowUs);
    if (take !== "unknown") return this.#settle(kept, quota, take);
    const asked = this.#await<Take>(
      (answer) => quota.ask(answer),
      (later) => {
        this.#nextKept++;
        return this.#settle(kept, quota, later);
      },
    );
    return asked === "suspended" ? asked : this.#settle(kept, quota, asked.answer);
  }

  #askService(service: ServiceLimits | undefined): FilterStep | undefined {
    const asked = this.#await<ServiceVerdict>(
      (answer) => service?.ask(this.#exchange.request, answer) ?? "nothing",
      (verdict) => {
        this.#nextService++;
        return this.#settleService(verdict);
      },
    );
    if (asked === "suspended" || asked.answer === undefined) return asked === "suspended" ? asked : undefined;
    return this.#settleService(asked.answer);
  }

  /** Somebody else's answer, at once or later. Later, `settle` says whether to go on, and all the rest follows. */
  #await<T>(
    ask: (answer: (value: T) => void) => (() => void) | "nothing",
    settle: (value: T) => FilterStep | undefined,
  ): "suspended" | { readonly answer: T };
  #await<T>(
    ask: (answer: (value: T) => void) => (() => void) | "nothing",
    settle: (value: T) => FilterStep | undefined,
  ): "suspended" | { readonly answer: T | undefined } {
    let isSynchronous = true;
    let atOnce: T | undefined;
    const cancel = ask((value) => {
      if (isSynchronous) {
        atOnce = value;
        return;
      }
      this.#cancelAsk = undefined;
      this.#nowUs = this.#rules.nowUs();
      const step = settle(value) ?? this.run();
      if (step !== "suspended") this.#resume(step);
    });
    isSynchronous = false;
    if (atOnce !== undefined || cancel === "nothing") return { answer: atOnce };
    this.#cancelAsk = cancel;
    return "suspended";
  }

  #settle(kept: KeptLimit, quota: Quota, take: Take): FilterRefusal | undefined {
    if (take !== "empty") {
      this.#held.push({ kept, quota, take });
      return undefined;
    }
    const { limit, headers } = kept;
    if (this.#isOnlyNoted(limit)) return undefined;
    this.#giveBack();
    if (this.#exchange.head !== undefined) {
      this.#exchange.addAnswerLine(retryAfter(quota.waitUs(this.#nowUs)));
      if (!limit.hidesHeaders) headers.tell(this.#exchange, quota, this.#nowUs);
    }
    return refusal(limit.source, `${nameOf(limit)} of ${rateText(quota.rate)} is used up`);
  }

  #settleService({ over, failure, lines }: ServiceVerdict): FilterRefusal | undefined {
    const refusing = over.filter((limit) => !this.#isOnlyNoted(limit));
    if (this.#exchange.head !== undefined) for (const line of lines) this.#exchange.addAnswerLine(line);
    const [first] = refusing;
    if (first === undefined) return undefined;
    this.#giveBack();
    const why =
      failure === undefined ? "its service says that it is used up" : `its service is away: ${failure}`;
    return refusal(first.source, `${nameOf(first)}: ${why}`);
  }

  /** The limit has no room: that is noted. True: and that is all. */
  #isOnlyNoted(limit: RateLimit): boolean {
    note(this.#exchange, limit, limit.dryRun ? "would_limit" : "limited");
    return limit.dryRun;
  }

  #giveBack(): void {
    for (const { quota, take } of this.#held) quota.giveBack(take);
    this.#held.length = 0;
  }

  #tellLeast(): void {
    if (this.#exchange.head === undefined) return;
    let least: Held | undefined;
    let leastLeft = Number.POSITIVE_INFINITY;
    for (const held of this.#held) {
      const { hidesHeaders, dryRun } = held.kept.limit;
      if (hidesHeaders || dryRun) continue;
      const left = held.quota.remaining(this.#nowUs);
      if (left >= leastLeft) continue;
      least = held;
      leastLeft = left;
    }
    if (least !== undefined) least.kept.headers.tell(this.#exchange, least.quota, this.#nowUs);
  }
}

function note(exchange: FilteredExchange, { source }: RateLimit, verdict: PolicyDeed["verdict"]): void {
  if (source !== undefined) exchange.note({ source, rule: source.section, verdict });
}

/** What the client is told is the reason's own: 429, RESOURCE_EXHAUSTED, or the end of its connection. */
function refusal(source: Source | undefined, detail: string): FilterRefusal {
  return { reason: "rate_limited", detail, source };
}

/** Without a value of its keys: those may be secrets, or people's. */
function nameOf({ source, keys }: RateLimit): string {
  const by = keys.length === 0 ? "" : ` by ${keys.map(({ name }) => name).join(", ")}`;
  return `limit ${source?.section || "without a name"}${by}`;
}

function rateText({ requests, periodMs }: TokenRate): string {
  return `${requests} in ${periodMs} ms`;
}
