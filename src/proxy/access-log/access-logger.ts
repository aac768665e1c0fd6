/**
 * Writes a line for every exchange and connection that ends, as the mesh's configuration and the policies of its workload and
 * route want it, and hands a record to whoever takes records.
 */
import type { TelemetryFacts } from "../../decide/telemetry/index.ts";
import type { Clock } from "../../kernel/index.ts";
import {
  type HttpOutcome,
  OutcomeFacts,
  type TcpOutcome,
  type TrafficObserver,
} from "../observation/index.ts";
import { writeHttpLine, writeTcpLine } from "./json-line.ts";
import type { LineFrame } from "./line-frame.ts";
import { isChosen } from "./log-choice.ts";
import type { AccessLog } from "./log-file.ts";
import type { LogSink } from "./log-sink.ts";
import { RareParts } from "./rare-parts.ts";
import { TimeStamps } from "./time-stamps.ts";

export interface AccessLoggerParts {
  readonly log: AccessLog;
  /** `mesh` undefined: there is no configuration yet. */
  readonly agent: {
    readonly snapshot: {
      readonly mesh: { readonly accessLog: boolean } | undefined;
      readonly revision: number;
    };
  };
  readonly clock: Clock;
  /** In [0, 1); absent: the machine's. */
  readonly random?: () => number;
  /** Absent: there are lines only. */
  readonly sink?: LogSink;
}

export class AccessLogger implements TrafficObserver {
  readonly wantsTimes = false;
  readonly #parts: AccessLoggerParts;
  readonly #stamps = new TimeStamps();
  readonly #rare = new RareParts();
  #facts: OutcomeFacts | undefined = undefined;

  constructor(parts: AccessLoggerParts) {
    this.#parts = parts;
  }

  http(outcome: HttpOutcome): void {
    const frame = this.#frameOf(outcome);
    if (frame === undefined) return;
    const { settings } = frame;
    const text = settings?.textFormat === undefined ? undefined : this.#rare.text.http(outcome, frame);
    const { log, sink } = this.#parts;
    if (settings?.toFile !== false) {
      const line = log.begin();
      if (text === undefined) writeHttpLine(line, outcome, frame, this.#added(frame));
      else line.utf8(text);
      log.commit();
    }
    if (sink?.takesLogs === true) sink.log(this.#rare.records.httpRecord(outcome, frame, text));
  }

  tcp(outcome: TcpOutcome): void {
    const frame = this.#frameOf(outcome);
    if (frame === undefined) return;
    const { settings } = frame;
    const text = settings?.textFormat === undefined ? undefined : this.#rare.text.tcp(outcome, frame);
    const { log, sink } = this.#parts;
    if (settings?.toFile !== false) {
      const line = log.begin();
      if (text === undefined) writeTcpLine(line, outcome, frame, this.#added(frame));
      else line.utf8(text);
      log.commit();
    }
    if (sink?.takesLogs === true) sink.log(this.#rare.records.tcpRecord(outcome, frame, text));
  }

  /** Undefined: nothing is told of it. */
  #frameOf(outcome: HttpOutcome | TcpOutcome): LineFrame | undefined {
    const settings = outcome.telemetry?.accessLog;
    const { agent, clock, random = Math.random } = this.#parts;
    const { mesh, revision } = agent.snapshot;
    if (!(settings?.isEnabled ?? mesh?.accessLog === true)) return undefined;
    let facts: TelemetryFacts | undefined;
    if (settings !== undefined) {
      if (settings.filter !== undefined || settings.fields.length > 0) facts = this.#factsOf(outcome);
      if (!isChosen(settings, outcome, { facts, random })) return undefined;
    }
    const timeMs = clock.nowMs();
    return { timeMs, time: this.#stamps.format(timeMs), revision, settings, facts };
  }

  /** The same object each time: it is read before the next one ends. */
  #factsOf(outcome: HttpOutcome | TcpOutcome): TelemetryFacts {
    this.#facts = this.#facts?.of(outcome) ?? new OutcomeFacts(outcome);
    return this.#facts;
  }

  #added({ settings, facts }: LineFrame): string {
    if (settings === undefined || facts === undefined || settings.fields.length === 0) return "";
    return this.#rare.added.encodeAdded(settings.fields, facts);
  }
}
