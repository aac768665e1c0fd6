/** What a proxy is to do with a vector: follows from what the parser tells, except where `overrides.ts` says more. */
import { reasons } from "../../../src/kernel/index.ts";
import type { Vector } from "../../../src/http1/testdata/vector.ts";
import type { Expectation } from "./outcome.ts";
import { type Override, requestOverrides, responseOverrides } from "./overrides.ts";

const line =
  /^(?<first>\S+) (?:(?<target>\S+) )?(?<framing>none|length|chunked|until_close) (?<after>keep|close)(?: expect)?(?: upgrade=\S+)?(?: (?<content>"(?:[^"\\]|\\.)*"))?(?: trailers (?<trailers>"(?:[^"\\]|\\.)*"))?(?<open> \?)?$/;

export function expectRequest(vector: Vector): Expectation {
  const seen: string[] = [];
  const answers: string[] = [];
  let connection: "open" | "closed" = vector.fin === true ? "closed" : "open";
  let isRefused = false;
  for (const text of vector.outcome) {
    const refusal = /^! (?<reason>\w+):/.exec(text)?.groups;
    if (refusal !== undefined) {
      const [, status] = Object.entries(reasons).find(([code]) => code === refusal["reason"]) ?? [];
      if (refusal["reason"] !== "client_closed") answers.push(String(status?.httpStatus));
      connection = "closed";
      isRefused = true;
      continue;
    }
    const { first = "", target = "", after, content, trailers, open } = line.exec(text)?.groups ?? {};
    if (first === "") throw new Error(`${vector.title}: ${text} is no outcome`);
    if (open !== undefined) continue;
    const tail = trailers === undefined ? "" : ` trailers ${trailers}`;
    seen.push(`${first} ${originForm(target)}${content === undefined ? "" : ` ${content}`}${tail}`);
    answers.push(first === "HEAD" ? "200" : '200 "ok"');
    if (after === "close") connection = "closed";
    // Nothing that stands behind a request after which the connection ends is read.
    if (connection === "closed") break;
  }
  return merge(
    { skip: undefined, seen, answers, interims: [], connection, isRefused, has: [], lacks: [] },
    requestOverrides[vector.title],
  );
}

export function expectResponse(vector: Vector): Expectation {
  const answers: string[] = [];
  const interims: string[] = [];
  let isRefused = false;
  for (const text of vector.outcome) {
    if (text.startsWith("interim ")) {
      interims.push(text);
    } else if (text.startsWith("! ")) {
      const last = answers.at(-1);
      if (last === undefined) answers.push("502");
      isRefused = last === undefined || last.endsWith(" cut");
    } else if (text.startsWith("rest ")) {
      // Behind a switch they are the tunnel's; behind any other response they answer nobody, and nobody gets them.
      if (answers.at(-1)?.startsWith("101") === true) answers.push(`tunnel ${text.slice("rest ".length)}`);
    } else {
      const { first = "", content, open } = line.exec(text)?.groups ?? {};
      if (first === "") throw new Error(`${vector.title}: ${text} is no outcome`);
      answers.push(
        `${first}${content === undefined ? "" : ` ${content}`}${open === undefined ? "" : " cut"}`,
      );
    }
  }

  return merge(
    { skip: undefined, seen: [], answers, interims, connection: undefined, isRefused, has: [], lacks: [] },
    responseOverrides[vector.title],
  );
}

/** To a server that is no proxy, RFC 9112 3.2.1. */
export function originForm(target: string): string {
  const match = /^https?:\/\/[^/?]*(?<rest>.*)$/i.exec(target);
  const rest = match?.groups?.["rest"];
  if (rest === undefined) return target;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function merge(expectation: Expectation, override: Override | undefined): Expectation {
  return { ...expectation, ...override };
}
