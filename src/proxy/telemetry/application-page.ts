/**
 * A page of metrics that somebody else wrote, as it can stand behind ours: without families that we have too, without lines
 * that would make the whole page unreadable, without an end mark.
 */
import type { MetricsFormat } from "../../kernel/index.ts";
import type { ApplicationCounters } from "./application-counters.ts";

/** What is decoded and read in one go. */
const sliceBytes = 65_536;
const newline = 10;

const value = String.raw`[-+]?(?:\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|[Ii]nf(?:inity)?|[Nn]a[Nn])`;
const labels = String.raw`\{[ \t]*(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*"[ \t]*(?:,[ \t]*)?)*\}`;
const sampleLine = new RegExp(
  String.raw`^([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*(?:${labels})?[ \t]+${value}(?:[ \t]+-?\d+(?:\.\d+)?)?[ \t]*$`,
);
const exemplar = new RegExp(String.raw` # ${labels} ${value}(?: -?\d+(?:\.\d+)?)?$`);
const headLine = /^#[ \t]+(HELP|TYPE|UNIT)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]|$)/;
const types = /[ \t](?:counter|gauge|histogram|summary|untyped|unknown|info|stateset|gaugehistogram)[ \t]*$/;
const suffix = /_(?:total|bucket|sum|count|created|info|gcount|gsum)$/;

export class ApplicationPage {
  readonly format: MetricsFormat;
  readonly #body: Uint8Array;
  readonly #counters: ApplicationCounters;

  constructor(body: Uint8Array, format: MetricsFormat, counters: ApplicationCounters) {
    this.#body = body;
    this.format = format;
    this.#counters = counters;
  }

  /** In slices. `taken`: names of families that are on the page already. */
  *slices(taken: ReadonlySet<string>): Generator<string> {
    const reader = new LineReader(this.format, taken, this.#counters);
    for (const lines of slicesOf(this.#body)) {
      let text = "";
      for (const raw of lines.split("\n")) {
        const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
        if (line === "# EOF") {
          if (text !== "") yield text;
          return;
        }
        if (reader.keeps(line)) text += `${line}\n`;
      }
      if (text !== "") yield text;
    }
  }
}

/** Whole lines, about as many as make a slice. */
function* slicesOf(body: Uint8Array): Generator<string> {
  const decoder = new TextDecoder();
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf(newline, Math.min(start + sliceBytes, body.length - 1));
    const stop = end < 0 ? body.length : end + 1;
    yield decoder.decode(body.subarray(start, stop));
    start = stop;
  }
}

class LineReader {
  readonly #format: MetricsFormat;
  readonly #taken: ReadonlySet<string>;
  readonly #counters: ApplicationCounters;
  /** "TYPE name" of its own heads: a second one would make the page unreadable. */
  readonly #heads = new Set<string>();
  readonly #skipped = new Set<string>();

  constructor(format: MetricsFormat, taken: ReadonlySet<string>, counters: ApplicationCounters) {
    this.#format = format;
    this.#taken = new Set([...taken].map((name) => name.replace(/_total$/, "")));
    this.#counters = counters;
  }

  keeps(line: string): boolean {
    if (line === "") return false;
    return line.startsWith("#") ? this.#keepsHead(line) : this.#keepsSample(line);
  }

  /** Comments that say nothing to a scraper go. */
  #keepsHead(line: string): boolean {
    const [, kind, name] = headLine.exec(line) ?? [];
    if (kind === undefined || name === undefined) return false;
    const head = `${kind} ${name}`;
    if (this.#isTaken(name) || this.#heads.has(head) || (kind === "UNIT" && this.#format === "text"))
      return false;
    if (kind === "TYPE" && !types.test(line)) return this.#malformed();
    this.#heads.add(head);
    return true;
  }

  #keepsSample(line: string): boolean {
    const sample = this.#format === "openmetrics" ? line.replace(exemplar, "") : line;
    const name = sampleLine.exec(sample)?.[1];
    if (name === undefined) return this.#malformed();
    return !this.#isTaken(name);
  }

  #malformed(): false {
    this.#counters.skipped.of("malformed").value++;
    return false;
  }

  #isTaken(name: string): boolean {
    const base = name.replace(suffix, "");
    const family = this.#taken.has(name) ? name : this.#taken.has(base) ? base : undefined;
    if (family === undefined) return false;
    if (!this.#skipped.has(family)) {
      this.#skipped.add(family);
      this.#counters.skipped.of("name_taken").value++;
    }
    return true;
  }
}
