/** Which trouble that is made on purpose comes to a request or connection. Time and chance are arguments. */
import { httpStatusOfGrpc, httpStatusToGrpc } from "../kernel/index.ts";
import type { Fault, HttpMatch, Source } from "../model/index.ts";
import { type Conditions, holds, prepareConditions } from "./conditions.ts";
import { normalizePath } from "./path.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import type { HttpRequestView } from "./request-view.ts";
import { shareAt, shareSeed } from "./share.ts";

/** What happens, beside the conditions under which it does. */
export interface PreparedFault {
  /** Where it is written, for the log: "FaultPolicy shop/cart faults[0]". */
  readonly label: string;
  /** The same in parts; undefined: nobody is named. */
  readonly source: Source | undefined;
  /** 0: none. */
  readonly delayMs: number;
  /** Status of HTTP. 0: none. */
  readonly httpStatus: number;
  /** google.rpc.Code. 0: none. */
  readonly grpcStatus: number;
  readonly isReset: boolean;
  /** Of the response's body. 0: unlimited. */
  readonly bytesPerSecond: number;
  readonly conditions: FaultConditions;
  /** Of the draw for it (`share.ts`). */
  readonly shareSeed: number;
}

/** What a request draws for this one fault. */
export function faultDraw(fault: PreparedFault, requestId: string): number {
  return shareAt(requestId, fault.shareSeed);
}

/** Statuses of the answer to a request that it aborts: where one of them is written, the other follows. */
export function faultAnswer({ httpStatus, grpcStatus }: PreparedFault): {
  readonly httpStatus: number;
  readonly grpcStatus: number;
} {
  return {
    httpStatus: httpStatus || httpStatusOfGrpc(grpcStatus),
    grpcStatus: grpcStatus || httpStatusToGrpc(httpStatus),
  };
}

interface FaultConditions {
  /** Any of them; empty: every request. */
  readonly matches: readonly FaultMatch[];
  /** Of a million. */
  readonly perMillion: number;
  /** Lower case; empty: none is needed. */
  readonly optInHeader: string;
  readonly expiresAtMs: number;
}

interface FaultMatch {
  readonly exact: string | undefined;
  /** Without a final slash; "" matches every path. */
  readonly prefix: string | undefined;
  readonly pattern: Pattern | undefined;
  readonly conditions: Conditions | undefined;
}

export class PreparedFaults {
  readonly #faults: readonly PreparedFault[];
  /** When the last of them expires: from then on they cost one comparison. */
  readonly #expiresAtMs: number;

  private constructor(faults: readonly PreparedFault[]) {
    this.#faults = faults;
    this.#expiresAtMs = Math.max(...faults.map(({ conditions }) => conditions.expiresAtMs));
  }

  /** Undefined where there are none. Throws `bad_input` for a pattern that does not compile. */
  static prepare(faults: readonly Fault[]): PreparedFaults | undefined {
    return faults.length === 0 ? undefined : new PreparedFaults(faults.map(prepareFault));
  }

  /** The first for which all conditions hold. `draw` gives numbers in [0, 1), for each that is a matter of chance. */
  select(
    view: HttpRequestView,
    nowMs: number,
    draw: (fault: PreparedFault) => number,
  ): PreparedFault | undefined {
    if (nowMs >= this.#expiresAtMs) return undefined;
    for (const fault of this.#faults) {
      const { conditions } = fault;
      if (nowMs >= conditions.expiresAtMs) continue;
      if (conditions.optInHeader !== "" && view.header(conditions.optInHeader) === undefined) continue;
      if (!isAnyMatch(conditions.matches, view)) continue;
      if (isHit(conditions.perMillion, () => draw(fault))) return fault;
    }
    return undefined;
  }

  /** Every one of them in its order, and why it does not come to the request; empty: it does. For whoever asks, not for requests. */
  explain(
    view: HttpRequestView,
    nowMs: number,
    draw: (fault: PreparedFault) => number,
  ): readonly { readonly fault: PreparedFault; readonly why: string }[] {
    const struck = this.select(view, nowMs, draw);
    const place = struck === undefined ? this.#faults.length : this.#faults.indexOf(struck);
    return this.#faults.map((fault, index) => {
      if (fault === struck) return { fault, why: "" };
      if (index > place) return { fault, why: "another one came first" };
      return { fault, why: whyNot(fault.conditions, view, nowMs) };
    });
  }

  /** Of a connection whose content is not read, only those that ask for nothing in it, and can be done to bytes. */
  selectForConnection(nowMs: number, random: () => number): PreparedFault | undefined {
    if (nowMs >= this.#expiresAtMs) return undefined;
    for (const fault of this.#faults) {
      const { conditions } = fault;
      if (nowMs >= conditions.expiresAtMs) continue;
      if (conditions.optInHeader !== "" || conditions.matches.length > 0) continue;
      if (!fault.isReset && fault.delayMs === 0) continue;
      if (isHit(conditions.perMillion, random)) return fault;
    }
    return undefined;
  }
}

const million = 1_000_000;

function isHit(perMillion: number, random: () => number): boolean {
  return perMillion >= million || (perMillion > 0 && random() * million < perMillion);
}

function whyNot(
  { expiresAtMs, optInHeader, matches }: FaultConditions,
  view: HttpRequestView,
  nowMs: number,
): string {
  if (nowMs >= expiresAtMs) return "it has expired";
  if (optInHeader !== "" && view.header(optInHeader) === undefined)
    return `the request has no ${optInHeader}`;
  if (!isAnyMatch(matches, view)) return "none of its matches fits the request";
  return "by chance: the request's share is outside of its percentage";
}

function isAnyMatch(matches: readonly FaultMatch[], view: HttpRequestView): boolean {
  if (matches.length === 0) return true;
  const path = normalizePath(view.path);
  for (const match of matches) if (isPath(match, path) && holds(match.conditions, view)) return true;
  return false;
}

function isPath({ exact, prefix, pattern }: FaultMatch, path: string): boolean {
  if (exact !== undefined) return path === exact;
  if (pattern !== undefined) return pattern.matches(path);
  if (prefix === undefined || prefix === "") return true;
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === "/");
}

function prepareFault(fault: Fault): PreparedFault {
  const { source, outcome, expiresAtMs } = fault;
  const label =
    source === undefined ? "" : `${source.kind} ${source.namespace}/${source.name} ${source.section}`;
  return {
    label,
    source,
    shareSeed: shareSeed(`fault ${label}`),
    delayMs: fault.delayMs,
    httpStatus: outcome.case === "httpStatus" ? outcome.value : 0,
    grpcStatus: outcome.case === "grpcStatus" ? outcome.value : 0,
    isReset: outcome.case === "reset" && outcome.value,
    bytesPerSecond: fault.bytesPerSecond,
    conditions: {
      matches: fault.matches.map(prepareMatch),
      perMillion: fault.perMillion,
      optInHeader: fault.optInHeader.toLowerCase(),
      expiresAtMs: expiresAtMs === 0n ? Infinity : Number(expiresAtMs),
    },
  };
}

function prepareMatch(match: HttpMatch): FaultMatch {
  const { path } = match;
  const prefix = path.case === "pathPrefix" ? normalizePath(path.value) : undefined;
  return {
    exact: path.case === "pathExact" ? normalizePath(path.value) : undefined,
    prefix: prefix?.endsWith("/") === true ? prefix.slice(0, -1) : prefix,
    pattern: path.case === "pathRegex" ? compilePattern(path.value) : undefined,
    conditions: prepareConditions(match),
  };
}
