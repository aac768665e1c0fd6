/** What all listeners of one proxy share. A sidecar has one local workload; this is where a second one would hang. */
import { ByteWriter, type Clock, type Log } from "../../kernel/index.ts";
import type { TimerWheel } from "../../net/index.ts";
import {
  type AdmissionContext,
  Admissions,
  type FilterFactories,
  maxQuestionsInFlight,
} from "../admission/index.ts";
import type { Agent } from "../agent/index.ts";
import type { Collector } from "../../model/index.ts";
import type { PreparedTelemetry, TelemetryFacts } from "../../decide/telemetry/index.ts";
import type { EjectedEndpoint } from "../../wire/index.ts";
import { type HttpOutcome, Observers, TelemetrySettings } from "../observation/index.ts";
import { type ExportContext, ExportSwitch } from "../otlp/index.ts";
import {
  type CounterFamily,
  type MetricFamily,
  PlaintextCallers,
  type PolicyCounters,
  RecentRefusals,
  type RuleHits,
  type SeriesRegistry,
} from "../telemetry/index.ts";
import { type FactsOf, TraceSwitch } from "../tracing/index.ts";
import { type HopDialer, type PeerTrust, RequestLimit, type Upstreams } from "../upstream/index.ts";
import type { LocalWorkload } from "./local-workload.ts";
import { ejectedEndpoints } from "./ejected-endpoints.ts";
import { CurrentLimits, fixedLimits, type ServeLimits } from "./limits.ts";
import type { ServeMetrics } from "./metrics.ts";
import type { ProtocolMemory } from "./protocol-memory.ts";
import type { RefusalLog } from "./refusal-log.ts";
import { ReplayMemory } from "./replay-memory.ts";
import type { BodyKeeping } from "./request-body.ts";
import { RequestIds } from "./request-ids.ts";

/** An application answers within a moment of what it waits for; a longer memory would forbid retries that might help. */
const spentRetriesUs = 1_000_000;

export interface ServeContextOptions {
  readonly agent: Agent;
  readonly workload: LocalWorkload;
  readonly dialer: HopDialer;
  readonly trust: PeerTrust;
  readonly upstreams: Upstreams;
  readonly series: SeriesRegistry;
  readonly metrics: ServeMetrics;
  readonly refusalLog: RefusalLog;
  readonly protocols: ProtocolMemory;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** SO_MARK of connections that leave the mesh. */
  readonly mark: number | undefined;
  readonly filters: FilterFactories;
  /** Processes that are one proxy together. */
  readonly processes: number;
}

export class ServeContext {
  readonly agent: Agent;
  readonly workload: LocalWorkload;
  readonly dialer: HopDialer;
  readonly trust: PeerTrust;
  readonly upstreams: Upstreams;
  readonly series: SeriesRegistry;
  readonly metrics: ServeMetrics;
  readonly refusalLog: RefusalLog;
  readonly protocols: ProtocolMemory;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  readonly log: Log;
  readonly mark: number | undefined;
  readonly requestIds: RequestIds;
  readonly admissions: Admissions;
  readonly policies: PolicyCounters;
  readonly refusals = new RecentRefusals();
  readonly plaintextCallers = new PlaintextCallers();
  readonly ruleHits: RuleHits;
  /** Those that the control plane is told. */
  readonly counters: readonly CounterFamily[];
  /** What expressions of TelemetryPolicy read; undefined: labels that it adds stay empty. */
  factsOf: ((outcome: HttpOutcome) => TelemetryFacts) | undefined = undefined;
  /** Told of what ends. */
  readonly observers = new Observers();
  readonly telemetry = new TelemetrySettings();
  /** To collectors, where there are some. */
  readonly exports: ExportSwitch;
  readonly tracing: TraceSwitch;
  /** That collectors are told, beside golden signals. */
  families: readonly MetricFamily[];
  readonly #limits: CurrentLimits;
  #keeping: BodyKeeping;
  #keepingLimits: ServeLimits | undefined = undefined;
  /** Where heads are encoded before a connection copies them; used within one call only. */
  readonly scratch = new ByteWriter();
  /** Responses say `Connection: close` from here on. */
  isDraining = false;
  /** Requests and tunnels under way. */
  inFlight = 0;
  /** Copies of requests under way to mirrors. */
  mirrorsInFlight = 0;
  #spentRetriesUs = Number.NEGATIVE_INFINITY;
  /** Wall clock, refreshed by the sweep each second: for idle times, which need no more. */
  coarseNowMs: number;
  /** When what runs was put in force; 0: nothing was yet. */
  configuredAtMs = 0;

  constructor(options: ServeContextOptions) {
    this.agent = options.agent;
    this.workload = options.workload;
    this.dialer = options.dialer;
    this.trust = options.trust;
    this.refusalLog = options.refusalLog;
    this.upstreams = options.upstreams;
    this.series = options.series;
    this.metrics = options.metrics;
    this.protocols = options.protocols;
    this.clock = options.clock;
    this.wheel = options.wheel;
    this.random = options.random;
    this.log = options.log;
    this.mark = options.mark;
    this.requestIds = new RequestIds(options.random);
    this.policies = options.metrics.policies;
    this.ruleHits = options.metrics.ruleHits;
    this.counters = options.metrics.reported;
    this.admissions = new Admissions(admissionContext(options), options.filters);
    this.families = options.metrics.families;
    this.exports = new ExportSwitch(() => exportContext(options, () => this.families));
    this.tracing = new TraceSwitch(this.observers, { clock: options.clock, sink: this.exports });
    this.coarseNowMs = options.clock.nowMs();
    this.#limits = new CurrentLimits(() => options.agent.snapshot.mesh?.limits);
    const { bodiesPaused, replayExhausted } = options.metrics;
    const memory = new ReplayMemory(fixedLimits.maxReplayBytes, replayExhausted);
    this.#keeping = { maxBytes: 0, memory, paused: bodiesPaused };
  }

  /** What the newest configuration wants told of this proxy's traffic; undefined: nothing beside the defaults. */
  applyTelemetry(
    base: PreparedTelemetry | undefined,
    factsOf?: FactsOf,
    collectors: readonly Collector[] = base?.collectors ?? [],
  ): void {
    this.exports.apply(collectors);
    this.tracing.apply(base, factsOf);
    this.factsOf = factsOf;
    this.series.configure({ maxSeries: base?.metrics.maxSeries ?? 0 });
  }

  /** Of the newest configuration. */
  get limits(): ServeLimits {
    return this.#limits.get();
  }

  /** A request of the application failed although it was tried as often as it may be. */
  noteSpentRetries(): void {
    this.#spentRetriesUs = this.clock.monotonicUs();
  }

  /** That was a moment ago: what the application fails with now may well come of it, and is tried again by nobody above. */
  get hasSpentRetries(): boolean {
    return this.clock.monotonicUs() - this.#spentRetriesUs < spentRetriesUs;
  }

  /** Of a request's body, until its policy says otherwise. */
  get bodyKeeping(): BodyKeeping {
    const limits = this.#limits.get();
    if (this.#keepingLimits !== limits) {
      this.#keepingLimits = limits;
      this.#keeping = { ...this.#keeping, maxBytes: limits.maxBufferedBodyBytes };
    }
    return this.#keeping;
  }

  /** This workload's own SPIFFE id. */
  get identity(): string {
    return this.agent.status.identity;
  }

  /** Its end has passed and there is no newer one: nothing may be shown or dialled with it. */
  get hasExpiredCertificate(): boolean {
    const { certificateNotAfterMs } = this.agent.status;
    return certificateNotAfterMs > 0 && certificateNotAfterMs <= this.clock.nowMs();
  }

  reportDropped(): void {
    this.metrics.telemetryDropped("report", "queue_full").value++;
  }

  /** Endpoints that outlier detection leaves out at the moment. */
  ejected(): EjectedEndpoint[] {
    return ejectedEndpoints(this.upstreams, this.clock);
  }

  /** Whether there is a line for what these settings are about. */
  isLogged(telemetry: PreparedTelemetry | undefined): boolean {
    return telemetry?.accessLog.isEnabled ?? this.agent.snapshot.mesh?.accessLog === true;
  }
}

function exportContext(options: ServeContextOptions, families: () => readonly MetricFamily[]): ExportContext {
  const { clock, wheel, random, log, upstreams, metrics, workload, series } = options;
  return {
    ...{ clock, wheel, random, log, place: workload, counters: metrics.exports },
    cluster: (key) => upstreams.cluster(key),
    metrics: () => ({ series, families: families() }),
  };
}

function admissionContext(options: ServeContextOptions): AdmissionContext {
  const { agent, clock, wheel, random, log, upstreams, metrics, workload, processes } = options;
  return {
    clock,
    wheel,
    random,
    log,
    workload: workload.key,
    processes,
    mesh: () => agent.snapshot.mesh,
    cluster: (key) => upstreams.cluster(key),
    externalQuestions: new RequestLimit(maxQuestionsInFlight),
    metrics: {
      asked: (kind, outcome) => metrics.asked(kind, outcome),
      token: (outcome) => metrics.token(outcome),
    },
  };
}
