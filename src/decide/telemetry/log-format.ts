/**
 * Text formats of access logs: text with `%OPERATOR(argument):LENGTH%` in it, as Envoy has them. One parser for whoever checks
 * a format and for whoever writes by it. Pure.
 */
import { nearestName } from "../../kernel/index.ts";
import { type LogOperator, type LogOperatorInfo, logOperators, type ValueOperator } from "./log-operators.ts";
import { parseTimeFormat, type TimePart } from "./log-time.ts";

export type GrpcStatusForm = "CAMEL_STRING" | "SNAKE_STRING" | "NUMBER";

export type LogSegment =
  | { readonly kind: "text"; readonly text: string }
  | (LogValue & {
      /** In characters, before they are escaped; undefined: no bound of the format's own. */
      readonly maxLength: number | undefined;
    });

export type LogValue =
  | { readonly kind: "value"; readonly operator: ValueOperator }
  | {
      readonly kind: "header";
      readonly operator: "REQ" | "RESP" | "TRAILER";
      /** In lower case. */
      readonly name: string;
      /** Read where there is none of `name`. */
      readonly alternative: string | undefined;
    }
  | {
      readonly kind: "time";
      readonly operator: "START_TIME" | "EMIT_TIME";
      /** Undefined: ISO 8601 in UTC with milliseconds. */
      readonly format: readonly TimePart[] | undefined;
    }
  | { readonly kind: "grpc-status"; readonly form: GrpcStatusForm }
  | { readonly kind: "field"; readonly name: string };

export interface FormatProblem {
  /** Of the format's characters, from 0. */
  readonly at: number;
  readonly message: string;
}

export interface LogFormat {
  /** What cannot be read stands as text. */
  readonly segments: readonly LogSegment[];
  readonly problems: readonly FormatProblem[];
}

/** More of them nobody reads at once. */
const maxProblems = 8;
const operatorText = /%(?:%|([A-Za-z][A-Za-z0-9_]*)(?:\(([^)]*)\))?(?::([0-9]{1,6}))?%)/y;
const headerName = /^:?[A-Za-z0-9!#$&'*+.^_`|~-]+$/;
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f]/;

/** A line ends by itself: a break of lines at the format's end says nothing. */
export function parseLogFormat(written: string): LogFormat {
  const format = written.replace(/(\r?\n)+$/, "");
  const segments: LogSegment[] = [];
  const problems: FormatProblem[] = [];
  let text = "";
  for (let at = 0; at < format.length; ) {
    const read = readAt(format, at);
    if (read.problem !== undefined && problems.length < maxProblems)
      problems.push({ at, message: read.problem });
    at += read.length;
    if (typeof read.segment === "string") {
      text += read.segment;
      continue;
    }
    if (text !== "") segments.push({ kind: "text", text });
    text = "";
    segments.push(read.segment);
  }
  if (text !== "") segments.push({ kind: "text", text });
  return { segments, problems };
}

/** "at character 12 (%FOO%): …", as whoever wrote the format counts. */
export function formatProblemText(format: string, { at, message }: FormatProblem): string {
  const shown = /^%[^%\s]{0,40}%?/.exec(format.slice(at))?.[0] ?? "";
  return `at character ${at + 1}${shown === "" ? "" : ` (${shown})`}: ${message}`;
}

interface ReadSegment {
  /** Text as it stands. */
  readonly segment: LogSegment | string;
  /** Of what was read. */
  readonly length: number;
  readonly problem?: string;
}

function readAt(format: string, at: number): ReadSegment {
  const character = format[at] ?? "";
  if (character !== "%") return asText(character, control.test(character) ? unprintable : undefined);
  operatorText.lastIndex = at;
  const found = operatorText.exec(format);
  if (found === null) return asText(character, noOperator);
  const [whole, name, argument, length] = found;
  if (name === undefined) return { segment: "%", length: whole.length };
  if (!isOperator(name)) {
    const meant = nearestName(name, Object.keys(logOperators));
    const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
    return asText(whole, `there is no operator ${name}${hint}`);
  }
  const value = readValue(name, argument);
  if (typeof value === "string") return asText(whole, value);
  const maxLength = length === undefined ? undefined : Number(length);
  if (maxLength === 0) return asText(whole, "a length of 0 leaves nothing");
  return { segment: { ...value, maxLength }, length: whole.length };
}

const unprintable = "a line cannot hold control characters; it ends by itself";
const noOperator = 'no operator such as %RESPONSE_CODE% or %REQ(:PATH):40%; "%%" is a percent sign';

function asText(text: string, problem: string | undefined): ReadSegment {
  return { segment: text, length: text.length, ...(problem === undefined ? {} : { problem }) };
}

function isOperator(name: string): name is LogOperator {
  return Object.hasOwn(logOperators, name);
}

/** A text: what is the matter. */
function readValue(operator: LogOperator, argument: string | undefined): LogValue | string {
  const info: LogOperatorInfo = logOperators[operator];
  if (argument === undefined && info.argument !== "none" && info.isArgumentOptional !== true)
    return `${operator} needs an argument, such as ${examples[info.argument]}`;
  switch (operator) {
    case "START_TIME":
    case "EMIT_TIME":
      return readTime(operator, argument);
    case "REQ":
    case "RESP":
    case "TRAILER":
      return readHeader(operator, argument ?? "");
    case "GRPC_STATUS":
      return readGrpcForm(argument);
    case "WEFT_FIELD":
      return { kind: "field", name: argument ?? "" };
    default:
      return argument === undefined ? { kind: "value", operator } : `${operator} takes no argument`;
  }
}

const examples: Readonly<Record<LogOperatorInfo["argument"], string>> = {
  none: "",
  header: "REQ(user-agent)",
  time: "START_TIME(%Y-%m-%d)",
  "grpc-status": "GRPC_STATUS(NUMBER)",
  field: "WEFT_FIELD(tenant)",
};

function readTime(operator: "START_TIME" | "EMIT_TIME", argument: string | undefined): LogValue | string {
  if (argument === undefined || argument === "") return { kind: "time", operator, format: undefined };
  const format = parseTimeFormat(argument);
  if (format === undefined)
    return `${operator} has a conversion that is not known; there are %Y %m %d %H %M %S %3f %s %z and others of strftime`;
  return { kind: "time", operator, format };
}

function readHeader(operator: "REQ" | "RESP" | "TRAILER", argument: string): LogValue | string {
  const [name = "", alternative, ...rest] = argument.toLowerCase().split("?");
  if (rest.length > 0) return `${operator} takes one alternative: ${operator}(x-name?:path)`;
  for (const each of alternative === undefined ? [name] : [name, alternative])
    if (!headerName.test(each)) return `${JSON.stringify(each)} is no name of a header`;
  if (operator === "TRAILER" && (name !== "grpc-status" || alternative !== undefined))
    return "of trailers, grpc-status alone is kept";
  return { kind: "header", operator, name, alternative };
}

function readGrpcForm(argument: string | undefined): LogValue | string {
  switch (argument) {
    case undefined:
    case "":
      return { kind: "grpc-status", form: "CAMEL_STRING" };
    case "CAMEL_STRING":
    case "SNAKE_STRING":
    case "NUMBER":
      return { kind: "grpc-status", form: argument };
    default:
      return "GRPC_STATUS takes CAMEL_STRING, SNAKE_STRING or NUMBER";
  }
}
