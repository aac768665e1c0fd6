/**
 * The application's own metrics: asked for over loopback, bounded in time and length. Whatever goes wrong with them is
 * counted and takes nothing from ours. Loaded where a workload has such metrics.
 */
import { type ResponseHead, ResponseParser } from "../../http1/index.ts";
import { type Clock, metricsContentTypes, type MetricsFormat } from "../../kernel/index.ts";
import { connect, Connection, type ConnectFailure } from "../../net/index.ts";
import type { ApplicationCounters, PageFailure } from "./application-counters.ts";
import { ApplicationPage } from "./application-page.ts";

/** Scrapers wait ten seconds; an application that takes more than one of them costs the whole page. */
const timeoutMs = 1_000;
const maxBytes = 4_194_304;

export interface ApplicationPlace {
  readonly port: number;
  /** Absolute, with a query if there is one. */
  readonly path: string;
}

export interface ApplicationOptions {
  /** Where the application is dialled, in this order, until one takes the connection. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly counters: ApplicationCounters;
}

/** Undefined: there is nothing to append, which has been counted. Never rejects. `format`: what the scraper takes. */
export async function fetchApplicationPage(
  place: ApplicationPlace,
  format: MetricsFormat,
  options: ApplicationOptions,
): Promise<ApplicationPage | undefined> {
  const { scrapes } = options.counters;
  const result = await new PageFetch(place, format, options).run();
  if (typeof result === "string") {
    scrapes.of(result).value++;
    return undefined;
  }
  const given = formatOf(result.head.get("content-type"));
  // What the scraper did not ask for it could not read.
  if (given === "openmetrics" && format === "text") {
    scrapes.of("format").value++;
    return undefined;
  }
  scrapes.of("ok").value++;
  return new ApplicationPage(result.body, given, options.counters);
}

function formatOf(contentType: string | undefined): MetricsFormat {
  return contentType?.trimStart().toLowerCase().startsWith("application/openmetrics-text") === true
    ? "openmetrics"
    : "text";
}

interface Page {
  readonly head: ResponseHead;
  readonly body: Uint8Array;
}

class PageFetch {
  readonly #place: ApplicationPlace;
  readonly #format: MetricsFormat;
  readonly #options: ApplicationOptions;
  readonly #result = Promise.withResolvers<Page | PageFailure>();
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  #head: ResponseHead | undefined = undefined;
  #connection: Connection | undefined = undefined;
  #isOver = false;

  constructor(place: ApplicationPlace, format: MetricsFormat, options: ApplicationOptions) {
    this.#place = place;
    this.#format = format;
    this.#options = options;
  }

  async run(): Promise<Page | PageFailure> {
    if (!/^\/[\x21-\x7e]*$/.test(this.#place.path)) return "malformed";
    const timer = this.#options.clock.after(timeoutMs, () => this.#end("timeout"));
    this.#dial(0);
    try {
      return await this.#result.promise;
    } finally {
      timer.cancel();
      this.#connection?.terminate();
    }
  }

  #end(result: Page | PageFailure): void {
    this.#isOver = true;
    this.#result.resolve(result);
  }

  #dial(index: number): void {
    const address = this.#options.addresses[index];
    if (address === undefined) return this.#end("unreachable");
    const { clock } = this.#options;
    connect({ address, port: this.#place.port, timeoutMs, clock }, (result: Connection | ConnectFailure) => {
      if (!(result instanceof Connection)) {
        if (!this.#isOver) this.#dial(index + 1);
      } else if (this.#isOver) result.terminate();
      else this.#ask(result, address);
    });
  }

  #ask(connection: Connection, address: string): void {
    this.#connection = connection;
    const parser = new ResponseParser({
      onInterim() {},
      onHead: (head) => this.#onHead(head),
      onBody: (data) => this.#onBody(data),
      onMessageEnd: () => {
        if (this.#head !== undefined) this.#end({ head: this.#head, body: Buffer.concat(this.#chunks) });
      },
      onError: () => this.#end("malformed"),
    });
    connection.sink = {
      onData: (chunk) => void parser.push(chunk),
      onDrain() {},
      onEnd: () => parser.end(),
      onClose: () => this.#end("unreachable"),
    };
    parser.expect("GET");
    connection.write(Buffer.from(this.#requestText(address), "latin1"));
  }

  #onHead(head: ResponseHead): void {
    this.#head = head;
    const encoding = head.get("content-encoding") ?? "identity";
    if (head.status !== 200) this.#end("status");
    else if (encoding !== "identity") this.#end("malformed");
  }

  #onBody(data: Uint8Array): void {
    this.#length += data.length;
    if (this.#length > maxBytes) this.#end("too_large");
    else this.#chunks.push(Uint8Array.from(data));
  }

  #requestText(address: string): string {
    const { port, path } = this.#place;
    const host = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    const openMetrics = "application/openmetrics-text; version=1.0.0, text/plain; version=0.0.4; q=0.5";
    const accept = this.#format === "openmetrics" ? openMetrics : metricsContentTypes.text;
    return (
      `GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: ${accept}\r\naccept-encoding: identity\r\n` +
      "user-agent: weft\r\nconnection: close\r\n\r\n"
    );
  }
}
