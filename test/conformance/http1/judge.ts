/** Compares what a proxy did with the vector's one right outcome. */
import { originForm } from "./expectation.ts";
import type { Choice } from "./choice.ts";
import type { Observation, Run } from "./run-vector.ts";

/**
 * `right`: exactly as the table says. `safe`: refused where it must be, with another status or without closing, or with less
 * than it might have (trailers dropped, connection closed). `repaired`: refused by the table, and passed on as one well-formed
 * message: what was meant was guessed. `forwarded`: passed on malformed, or as more messages than it may be. `altered`: passed on
 * with a field that it must not have, or without one that it must. `rejected`: refused what is valid. `silent`: no answer and no
 * end in time. `choice`: other than our table, and the RFC allows that.
 */
export type Verdict =
  | "right"
  | "safe"
  | "repaired"
  | "forwarded"
  | "altered"
  | "rejected"
  | "silent"
  | "choice";

export interface Judgement {
  readonly verdict: Verdict;
  /** What it did, in short. */
  readonly did: string;
  /** Where it is not right: what was expected. */
  readonly detail: string;
}

export function judge(run: Run, choice: Choice | undefined): Judgement {
  const did = describe(run);
  const verdict = run.kind === "request" ? judgeRequest(run) : judgeResponse(run);
  const detail = verdict === "right" ? "" : explain(run);
  // Leave to repair is no leave to pass on as it is.
  const isChoice =
    verdict !== "right" &&
    (choice?.allows === "anything" || (choice !== undefined && verdict !== "forwarded"));
  return { verdict: isChoice ? "choice" : verdict, did, detail };
}

function judgeRequest(run: Run): Verdict {
  const { expectation, observation } = run;
  const wanted = expectation.seen.map(normalised);
  const seen = observation.seen.map(normalised);
  const isPrefix =
    seen.length <= wanted.length &&
    seen.every((line, at) => line === wanted[at] || line === withoutTrailers(wanted[at]));
  if (!isPrefix) {
    // One message more than the table lets through is the one that was repaired; a second was smuggled.
    const isRepaired = expectation.isRefused && seen.length === wanted.length + 1 && isReadable(observation);
    if (isRepaired) return "repaired";
    return seen.length > wanted.length || expectation.isRefused ? "forwarded" : "altered";
  }
  if (seen.length < wanted.length)
    return isRefusal(observation.answers.at(-1)) || observation.connection === "closed"
      ? "rejected"
      : "silent";
  if (!hasFields(run)) return "altered";
  const isExact =
    seen.every((line, at) => line === wanted[at]) && sameAnswers(observation.answers, expectation.answers);
  if (isExact && observation.connection === expectation.connection) return "right";
  if (observation.connection === "silent" && observation.answers.length < expectation.answers.length)
    return "silent";
  return "safe";
}

function judgeResponse(run: Run): Verdict {
  const { expectation, observation } = run;
  const isSplit = observation.answers.some((answer) => answer.startsWith("next: "));
  if (isSplit) return "forwarded";
  if (sameAnswers(observation.answers, expectation.answers)) {
    if (!hasFields(run)) return "altered";
    return Bun.deepEquals(observation.interims, expectation.interims) ? "right" : "altered";
  }
  const last = observation.answers.at(-1);
  if (expectation.answers.at(-1)?.endsWith(" cut") === true && isCut(observation)) return "right";
  if (expectation.isRefused) {
    if (last === undefined || last.endsWith(" cut") || isRefusal(last)) {
      return observation.connection === "silent" && last === undefined ? "silent" : "safe";
    }
    return observation.answers.length === 1 && isReadable(observation) ? "repaired" : "forwarded";
  }
  if (observation.answers.length > expectation.answers.length) return "forwarded";
  if (last === undefined) return observation.connection === "silent" ? "silent" : "rejected";
  return isRefusal(last) ? "rejected" : "altered";
}

function isReadable({ seen, answers }: Observation): boolean {
  return ![...seen, ...answers].some((line) => /^(malformed|unreadable):/.test(line));
}

/** Whether the client has no whole answer, and knows: cut off, reset before anything came through, or told so. */
function isCut({ answers, connection }: Observation): boolean {
  if (answers.length > 1) return false;
  const [answer] = answers;
  if (answer === undefined) return connection === "closed";
  return (answer.endsWith(" cut") && connection === "closed") || isRefusal(answer);
}

function hasFields({ expectation, observation }: Run): boolean {
  const has = (wanted: string): boolean => observation.headLines.includes(wanted);
  const lacks = (unwanted: string): boolean =>
    !observation.headLines.some((line) =>
      unwanted.includes(":") ? line === unwanted : line.startsWith(`${unwanted}:`),
    );
  return expectation.has.every(has) && expectation.lacks.every(lacks);
}

/** The proxy's own words in an answer are its own matter, and so is a reason it gives besides the status. */
function sameAnswers(got: readonly string[], wanted: readonly string[]): boolean {
  return (
    got.length === wanted.length &&
    wanted.every(
      (answer, at) =>
        got[at] === answer ||
        (isRefusal(answer) && (got[at] ?? "").startsWith(`${answer} `) && !(got[at] ?? "").endsWith(" cut")),
    )
  );
}

function isRefusal(answer: string | undefined): boolean {
  return answer !== undefined && /^[45]\d\d( |$)/.test(answer);
}

function normalised(seen: string): string {
  return seen.replace(
    /^(\S+) (\S+)/,
    (_whole, method: string, target: string) => `${method} ${originForm(target)}`,
  );
}

function withoutTrailers(seen: string | undefined): string | undefined {
  return seen?.replace(/ trailers "(?:[^"\\]|\\.)*"$/, "");
}

function describe({ kind, observation }: Run): string {
  const { seen, answers, interims, connection } = observation;
  const statuses = [...interims, ...answers].map((answer) =>
    shorten(answer.replace(/^(\d+) ".*?"( cut)?$/s, "$1$2")),
  );
  const got = statuses.length === 0 ? "no answer" : statuses.join(", ");
  const passed =
    kind === "request" ? `${seen.length === 0 ? "nothing" : seen.map(shorten).join(", ")} upstream; ` : "";
  return `${passed}${got}; ${connection === "silent" ? "not closed" : connection}`;
}

function explain({ expectation, observation }: Run): string {
  const want = [
    ...expectation.seen,
    ...expectation.interims,
    ...expectation.answers,
    expectation.connection ?? "",
  ];
  const got = [...observation.seen, ...observation.interims, ...observation.answers, observation.connection];
  return `wanted ${want.map(shorten).join(" | ")}; got ${got.map(shorten).join(" | ")}`;
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
