/** A request as policies see it: its head, with what filters before have made of its fields. */
import { type HttpFacts, speaksOfOrigin } from "../../decide/index.ts";
import { isGrpcContentType } from "../../grpc/index.ts";
import { type HeadEdits, type HeaderLine, isTargetText, RequestHead } from "../../http1/index.ts";
import { addableLine, removableLine, settableLine } from "../admission/settable-field.ts";
import type { HttpService } from "./http-service.ts";
import type { HttpRequest, RequestRewrite } from "../http/index.ts";

const none: readonly HeaderLine[] = [];

export class RequestFacts implements HttpFacts {
  readonly head: HttpRequest;
  readonly scheme: "http" | "https";
  readonly requestId: string;
  /** Replace or remove fields; one of each name. So few that a look at each costs less than a table. */
  #lines: HeaderLine[] | undefined;
  #added: readonly HeaderLine[];
  #query: string | undefined;
  readonly #origin: Pick<HttpService, "addLines"> | undefined;
  /** What the proxy itself says of the request's origin; made when somebody asks. */
  #originLines: HeaderLine[] | undefined;

  constructor(
    head: HttpRequest,
    scheme: "http" | "https",
    requestId: string,
    origin?: Pick<HttpService, "addLines">,
  ) {
    this.head = head;
    this.scheme = scheme;
    this.requestId = requestId;
    this.#lines = undefined;
    this.#added = none;
    this.#query = undefined;
    this.#origin = origin;
    this.#originLines = undefined;
  }

  get method(): string {
    return this.head.method;
  }

  get path(): string {
    return this.head.path;
  }

  get query(): string {
    return this.#query ?? this.head.query;
  }

  get authority(): string {
    return this.head.authority;
  }

  get version(): string {
    return this.head instanceof RequestHead ? `HTTP/1.${this.head.versionMinor}` : "HTTP/2";
  }

  get isGrpc(): boolean {
    return isGrpcContentType(this.head.get("content-type") ?? "");
  }

  /** A policy must not be told by the client what a filter has taken from it, or what the proxy replaces. */
  header(nameLower: string): string | undefined {
    const line = this.#replaced(nameLower);
    const own =
      line === undefined ? this.head.get(nameLower) : line.bytes.length === 0 ? undefined : line.value;
    if (this.#added.length === 0) return own;
    const added = this.#added.filter((each) => each.nameLower === nameLower).map(({ value }) => value);
    return added.length === 0 ? own : [...(own === undefined ? [] : [own]), ...added].join(", ");
  }

  headerValues(nameLower: string): readonly string[] {
    const line = this.#replaced(nameLower);
    const own =
      line === undefined ? linesOf(this.head, nameLower) : line.bytes.length === 0 ? [] : [line.value];
    if (this.#added.length === 0) return own;
    const added = this.#added.filter((each) => each.nameLower === nameLower).map(({ value }) => value);
    return added.length === 0 ? own : [...own, ...added];
  }

  set(nameLower: string, value: string): void {
    this.setLine(settableLine(nameLower, value));
  }

  add(nameLower: string, value: string): void {
    const line = addableLine(nameLower, value);
    if (line !== undefined) this.#added = [...this.#added, line];
  }

  remove(nameLower: string): void {
    this.setLine(removableLine(nameLower));
  }

  /** One that `settable-field.ts` made; undefined: nothing. */
  setLine(line: HeaderLine | undefined): void {
    if (line === undefined) return;
    const lines = (this.#lines ??= []);
    let at = 0;
    while (at < lines.length && lines[at]?.nameLower !== line.nameLower) at++;
    lines[at] = line;
    if (this.#added.length > 0)
      this.#added = this.#added.filter(({ nameLower }) => nameLower !== line.nameLower);
  }

  setQuery(query: string): void {
    if (query === "" || isTargetText(query)) this.#query = query;
  }

  /** `rewrite` of the route, with the query that filters left. */
  rewrite(rewrite: RequestRewrite | undefined): RequestRewrite | undefined {
    const query = this.#query;
    if (query === undefined) return rewrite;
    const [path = ""] = (rewrite?.target ?? this.head.path).split("?", 1);
    if (!path.startsWith("/")) return rewrite;
    return { target: query === "" ? path : `${path}?${query}`, authority: rewrite?.authority };
  }

  /** Of an answer; undefined: a filter may not say it. */
  answerLine(nameLower: string, value: string): HeaderLine | undefined {
    return addableLine(nameLower, value);
  }

  /** Undefined: no filter changed anything. */
  get lines(): readonly HeaderLine[] | undefined {
    return this.#lines;
  }

  /** Set or removed. */
  get changedNames(): readonly string[] {
    return this.#lines?.map(({ nameLower }) => nameLower) ?? [];
  }

  /** `edits` of the route, and what filters say; of one name the filters' word holds. */
  edits(edits: HeadEdits | undefined): HeadEdits | undefined {
    const lines = this.#lines;
    if (lines === undefined && this.#added.length === 0) return edits;
    const isOthers = ({ nameLower }: HeaderLine): boolean => this.#lineOf(nameLower) === undefined;
    return {
      set: (edits?.set ?? []).filter(isOthers),
      add: [...(edits?.add ?? []).filter(isOthers), ...this.#added],
      remove: edits?.remove ?? [],
    };
  }

  #lineOf(nameLower: string): HeaderLine | undefined {
    const lines = this.#lines;
    if (lines === undefined) return undefined;
    for (const line of lines) if (line.nameLower === nameLower) return line;
    return undefined;
  }

  /** By a filter, or by what the proxy knows where the client speaks of its own origin. */
  #replaced(nameLower: string): HeaderLine | undefined {
    const line = this.#lineOf(nameLower);
    if (line !== undefined || this.#origin === undefined || !speaksOfOrigin(nameLower)) return line;
    if (this.#originLines === undefined) {
      this.#originLines = [];
      this.#origin.addLines(this.head, this.#originLines);
    }
    return this.#originLines.find((each) => each.nameLower === nameLower);
  }
}

function linesOf(head: HttpRequest, nameLower: string): readonly string[] {
  if (nameLower === "host") return head.authority === "" ? [] : [head.authority];
  const found: string[] = [];
  if (head instanceof RequestHead) {
    for (let i = 0; i < head.headerCount; i++) if (head.nameAt(i) === nameLower) found.push(head.valueAt(i));
  } else {
    const { names, values } = head.fields;
    for (const [i, name] of names.entries()) if (name === nameLower) found.push(values[i] ?? "");
  }
  return found;
}
