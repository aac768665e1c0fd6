/** One request to the control plane, over TCP or a Unix socket. Failures to get there are told apart from answers that are errors. */
import { errorLine, WeftError } from "../kernel/index.ts";
import { errorOfResponse } from "./status-error.ts";

/** Long enough for a transaction of thousands of objects on a busy machine. */
const defaultTimeoutMs = 30_000;
/** Every object of a large mesh in one list; more is a server that runs wild. */
const maxAnswerBytes = 256 * 1024 * 1024;

export interface TransportTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface TransportOptions {
  /** `http://127.0.0.1:15080`; with `unixPath` only its host is used, in the Host header. */
  readonly server?: string | undefined;
  readonly unixPath?: string | undefined;
  readonly token?: string | undefined;
  /** For https: whom to trust in the place of the system's authorities, and what to show of oneself. PEM. */
  readonly tls?: TransportTls | undefined;
  readonly timeoutMs?: number | undefined;
}

export interface RequestOptions {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

export class Transport {
  /** For messages: where the server is. */
  readonly place: string;
  readonly #base: string;
  readonly #unixPath: string | undefined;
  readonly #token: string | undefined;
  readonly #tls: TransportTls | undefined;
  readonly #timeoutMs: number;

  constructor(options: TransportOptions) {
    this.#unixPath = options.unixPath;
    this.#base = (options.server ?? "http://localhost").replace(/\/+$/, "");
    this.#token = options.token;
    this.#tls = options.tls;
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    this.place = options.unixPath ?? this.#base;
  }

  /** The answer's JSON. */
  async json(path: string, options: RequestOptions = {}): Promise<unknown> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    const response = await this.#fetch(path, options, signal);
    const body = await this.#readJson(response);
    if (!response.ok) throw errorOfResponse(response.status, body, this.place);
    return body;
  }

  /** The status alone: for health. */
  async probe(path: string): Promise<number> {
    const response = await this.#fetch(path, {}, AbortSignal.timeout(this.#timeoutMs));
    await response.body?.cancel();
    return response.status;
  }

  /** An answer without an end. The time-out covers the wait for its head; `signal` ends it at any time. */
  async stream(
    path: string,
    options: RequestOptions,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const head = new AbortController();
    const timer = setTimeout(
      () => head.abort(new DOMException("no answer", "TimeoutError")),
      this.#timeoutMs,
    );
    try {
      const response = await this.#fetch(path, options, AbortSignal.any([head.signal, signal]));
      if (!response.ok) throw errorOfResponse(response.status, await this.#readJson(response), this.place);
      if (response.body === null) throw this.unreadable("an empty answer");
      return response.body;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A connection that failed, as one line that says what to do. */
  unreachable(cause: unknown): WeftError {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (cause instanceof Error && cause.name === "TimeoutError") {
      return new WeftError(
        "timeout",
        `the control plane at ${this.place} did not answer within ${this.#timeoutMs / 1000} s`,
        { cause },
      );
    }
    if (code === "EACCES" || code === "EPERM") {
      return new WeftError("permission", `not allowed to connect to ${this.place}`, {
        cause,
        hint: "use the account that runs the control plane",
      });
    }
    return new WeftError("unreachable", `no control plane answers at ${this.place}${whyOf[code] ?? ""}`, {
      cause,
      hint: "is it running? weft up starts a whole mesh, --server names another one",
    });
  }

  unreadable(what: string): WeftError {
    return new WeftError("unavailable", `the server at ${this.place} sent ${what}`, {
      hint: "is that a weft control plane, and of the same version?",
    });
  }

  async #fetch(path: string, options: RequestOptions, signal: AbortSignal): Promise<Response> {
    const init: BunFetchRequestInit = {
      method: options.method ?? "GET",
      headers: this.#headers(options),
      signal,
      // The token is for this server alone.
      redirect: "manual",
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(this.#unixPath === undefined ? {} : { unix: this.#unixPath }),
      ...(this.#tls === undefined ? {} : { tls: this.#tls }),
    };
    try {
      // false (which its types lack) keeps HTTP_PROXY out: a proxy would get the token in clear, even for loopback.
      return await fetch(this.#url(path, options.query), Object.assign(init, { proxy: false }));
    } catch (cause) {
      throw this.unreachable(cause);
    }
  }

  #headers({ body, contentType }: RequestOptions): Record<string, string> {
    return {
      accept: "application/json",
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(body === undefined ? {} : { "content-type": contentType ?? "application/json" }),
    };
  }

  #url(path: string, query: RequestOptions["query"] = {}): string {
    const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    );
    const text = new URLSearchParams(given).toString();
    return `${this.#base}${path}${text === "" ? "" : `?${text}`}`;
  }

  async #readJson(response: Response): Promise<unknown> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of response.body ?? []) {
        length += chunk.length;
        if (length > maxAnswerBytes) throw this.unreadable(`more than ${maxAnswerBytes} bytes`);
        chunks.push(chunk);
      }
    } catch (error) {
      throw error instanceof WeftError ? error : this.unreachable(error);
    }
    try {
      return JSON.parse(Buffer.concat(chunks, length).toString("utf8"));
    } catch (error) {
      if (!response.ok) return undefined; // the status says enough
      throw this.unreadable(`no JSON (${errorLine(error)})`);
    }
  }
}

const whyOf: Readonly<Record<string, string>> = {
  ECONNREFUSED: " (connection refused)",
  ECONNRESET: " (connection closed)",
  ENOENT: " (no such socket)",
  ENOTFOUND: " (no such host)",
  EHOSTUNREACH: " (no route to the host)",
  ENETUNREACH: " (no route to the network)",
};
