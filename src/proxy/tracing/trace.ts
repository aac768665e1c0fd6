/** Where one exchange or connection stands in a trace: its ids, what was decided at its head, and what the next hop is told. */
import { type HeaderLine, WrittenLine } from "../../http1/index.ts";
import type { ByteWriter } from "../../kernel/index.ts";
import type { HttpOutcome, TcpOutcome, TraceRecord } from "../observation/index.ts";
import { latin1Line as line, removal } from "../serve/exchange-heads.ts";
import { formatB3, formatTraceparent } from "./parent-context.ts";
import { formats, type ReadContext } from "./read-context.ts";

/** Who was asked: the server's side, or the client's, whose tries are spans of their own. */
export type TraceSide = "server" | "client" | "edge";

/** The tracer's side. */
export interface TraceOwner {
  newSpanId(): string;
  keepsHttp(trace: Trace, outcome: HttpOutcome): boolean;
  keepsTcp(trace: Trace, outcome: TcpOutcome): boolean;
}

export interface TraceStart {
  readonly side: TraceSide;
  readonly traceId: string;
  readonly isSampled: boolean;
  readonly context: ReadContext;
  /** Those that are written; 0: the head passes as it came. */
  readonly written: number;
}

export class Trace implements TraceRecord {
  readonly owner: TraceOwner;
  readonly side: TraceSide;
  readonly traceId: string;
  readonly isSampled: boolean;
  readonly context: ReadContext;
  readonly #written: number;
  /** Made when it is asked for: of a client's side that is only where the trace is kept. */
  #spanId = "";
  /** Of tries, by their number. Of the first: most requests have no other. */
  #firstTry = "";
  #laterTries: string[] | undefined = undefined;

  constructor(owner: TraceOwner, start: TraceStart) {
    this.owner = owner;
    this.side = start.side;
    this.traceId = start.traceId;
    this.isSampled = start.isSampled;
    this.context = start.context;
    this.#written = start.written;
  }

  get spanId(): string {
    this.#spanId ||= this.owner.newSpanId();
    return this.#spanId;
  }

  /** Empty: it is the trace's first span. */
  get parentSpanId(): string {
    return this.context.parent?.spanId ?? "";
  }

  keepsHttp(outcome: HttpOutcome): boolean {
    return this.owner.keepsHttp(this, outcome);
  }

  keepsTcp(outcome: TcpOutcome): boolean {
    return this.owner.keepsTcp(this, outcome);
  }

  /** Of a try, the first being 0; the same whenever it is asked for. */
  trySpanId(number: number): string {
    if (this.side === "server") return this.spanId;
    if (number === 0) return (this.#firstTry ||= this.owner.newSpanId());
    this.#laterTries ??= [];
    return (this.#laterTries[number - 1] ??= this.owner.newSpanId());
  }

  /** What a connection's preface tells. */
  get traceparent(): string {
    return formatTraceparent(this.traceId, this.spanId, this.isSampled);
  }

  /** Every field that the request came with is replaced or taken away: none may speak of another trace. */
  addLines(lines: HeaderLine[], tryNumber: number): void {
    const written = this.#written;
    if (written === 0) return;
    const { traceId, isSampled, context } = this;
    const spanId = this.trySpanId(tryNumber);
    if ((written & formats.w3c) !== 0) lines.push(new TraceparentLine(traceId, spanId, isSampled));
    if (context.hasStrayState) lines.push(withoutState);
    if ((written & formats.b3) !== 0) lines.push(line("b3", formatB3(traceId, spanId, isSampled)));
    if ((written & formats.b3Multi) === 0) return;
    lines.push(line("x-b3-traceid", traceId), line("x-b3-spanid", spanId), sampledLines[isSampled ? 1 : 0]);
    lines.push(withoutParent, withoutFlags);
  }
}

/** On the way of every request while tracing is on, so each version of HTTP has only its own form of it made. */
class TraceparentLine extends WrittenLine {
  readonly #traceId: string;
  readonly #spanId: string;
  readonly #isSampled: boolean;

  constructor(traceId: string, spanId: string, isSampled: boolean) {
    super("traceparent");
    this.#traceId = traceId;
    this.#spanId = spanId;
    this.#isSampled = isSampled;
  }

  get value(): string {
    return formatTraceparent(this.#traceId, this.#spanId, this.#isSampled);
  }

  protected writeValue(out: ByteWriter): void {
    out.latin1("00-");
    out.latin1(this.#traceId);
    out.byte(0x2d);
    out.latin1(this.#spanId);
    out.latin1(this.#isSampled ? "-01" : "-00");
  }
}

const sampledLines = [line("x-b3-sampled", "0"), line("x-b3-sampled", "1")] as const;
const withoutState = removal("tracestate");
const withoutParent = removal("x-b3-parentspanid");
const withoutFlags = removal("x-b3-flags");
