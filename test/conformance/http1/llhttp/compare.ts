/** Our parser and llhttp on the same bytes: agreed, differing as `differences.ts` allows, or a failure. */
import { exceptions, hasTabBehindCoding, rarelyStricter, stricter, tabBehindCoding } from "./differences.ts";
import type { Llhttp } from "./llhttp.ts";
import { type Message, readRequests, readResponses, type Reading } from "./reading.ts";

export type Kind = "request" | "response";

export interface Comparison {
  /** Whole messages that both saw alike. */
  readonly agreed: number;
  /** The class of difference behind them, as `stricter: …` or `exception: …`. */
  readonly difference: string | undefined;
  readonly failure: string | undefined;
}

export function compare(kind: Kind, bytes: Buffer, oracle: Llhttp, isHead: boolean): Comparison {
  const options = { fin: kind === "response", isHead };
  const ours = kind === "request" ? readRequests(bytes) : readResponses(bytes, options);
  const theirs = oracle.read(kind, bytes, options);
  const raw = bytes.toString("latin1");
  let agreed = 0;
  for (;;) {
    const [mine, other] = [ours.messages[agreed], theirs.messages[agreed]];
    if (mine === undefined || other === undefined) break;
    if (!isSame(kind, mine, other)) {
      const name = exceptions[kind].find(
        ({ errors, applies }) => errors === "any" && applies(mine, raw),
      )?.name;
      const failure =
        name === undefined ? `read ${JSON.stringify(mine)}, llhttp ${JSON.stringify(other)}` : undefined;
      return { agreed, difference: `exception: ${name ?? ""}`, failure };
    }
    agreed++;
  }
  const isOurs = ours.messages.length > agreed;
  const isTheirs = theirs.messages.length > agreed;
  if (isOurs) return { agreed, ...weAcceptMore(kind, ours.messages[agreed], theirs.error, raw) };
  if (isTheirs) return { agreed, ...weAcceptLess(kind, ours, raw) };
  return { agreed, difference: undefined, failure: undefined };
}

type Verdict = Pick<Comparison, "difference" | "failure">;

function weAcceptMore(
  kind: Kind,
  mine: Message | undefined,
  error: string | undefined,
  raw: string,
): Verdict {
  const found = exceptions[kind].find(
    ({ errors, applies }) =>
      mine !== undefined && (errors === "any" || errors.includes(error ?? "")) && applies(mine, raw),
  );
  if (found !== undefined) return { difference: `exception: ${found.name}`, failure: undefined };
  return {
    difference: undefined,
    failure: `accepted ${JSON.stringify(mine)}, llhttp: ${error ?? "more bytes wanted"}`,
  };
}

function weAcceptLess(kind: Kind, ours: Reading, raw: string): Verdict {
  // Behind an upgrade, a close or a switch we read no further message.
  if (ours.error === undefined)
    return { difference: "exception: nothing is read behind the last message", failure: undefined };
  const detail = ours.error.replace(/^\w+: /, "");
  if (stricter[kind].includes(detail) || rarelyStricter.includes(detail))
    return { difference: `stricter: ${detail}`, failure: undefined };
  if (kind === "response" && hasTabBehindCoding(raw))
    return { difference: `exception: ${tabBehindCoding}`, failure: undefined };
  return { difference: undefined, failure: `refused (${ours.error}) what llhttp accepts` };
}

function isSame(kind: Kind, mine: Message, other: Message): boolean {
  const isStart =
    kind === "request"
      ? mine.method === other.method && mine.target === other.target
      : mine.status === other.status;
  return isStart && mine.body === other.body && Bun.deepEquals(mine.fields, other.fields);
}
