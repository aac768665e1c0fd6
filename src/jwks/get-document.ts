/** One GET of a bounded document in bounded time, from one address that was vetted: the name is not resolved a second time. */
import { type ResponseHead, ResponseParser } from "../http1/index.ts";
import type { Clock } from "../kernel/index.ts";
import { connect, Connection, type ConnectFailure, type PendingConnect } from "../net/index.ts";
import type { KeySetUrl } from "./key-set-url.ts";

const connectTimeoutMs = 5_000;
const answerTimeoutMs = 10_000;

export interface GetOptions {
  readonly url: KeySetUrl;
  readonly address: string;
  /** Of the version that is there already. */
  readonly etag: string | undefined;
  readonly maxBytes: number;
  readonly trustRootsPem: () => string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface GotDocument {
  readonly status: number;
  /** Of one field; undefined: there is none. */
  header(nameLower: string): string | undefined;
  /** Empty where the status is not 200. */
  readonly body: Uint8Array;
}

/** Rejects with an Error that says why, in words that need nothing before them. */
export async function getDocument(options: GetOptions): Promise<GotDocument> {
  const connection = await open(options);
  try {
    return await ask(connection, options);
  } finally {
    connection.terminate();
  }
}

function open({ url, address, trustRootsPem, clock, signal }: GetOptions): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new Error("given up"));
      return;
    }
    const tls = {
      trustRootsPem: url.isTls ? trustRootsPem() : "",
      serverName: url.host,
      alpn: ["http/1.1"],
      minVersion: "1.2",
      verifyPeer: () => undefined,
    } as const;
    let pending: PendingConnect | undefined;
    const abort = (): void => {
      pending?.cancel();
      reject(new Error("given up"));
    };
    signal.addEventListener("abort", abort, { once: true });
    pending = connect(
      { address, port: url.port, timeoutMs: connectTimeoutMs, clock, ...(url.isTls ? { tls } : {}) },
      (result: Connection | ConnectFailure) => {
        signal.removeEventListener("abort", abort);
        if (result instanceof Connection) resolve(result);
        else reject(new Error(result.detail));
      },
    );
  });
}

function ask(connection: Connection, options: GetOptions): Promise<GotDocument> {
  const { url, etag, maxBytes, clock, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<GotDocument>();
  const fail = (why: string): void => reject(new Error(why));
  const timer = clock.after(answerTimeoutMs, () =>
    fail(`no whole answer within ${answerTimeoutMs / 1000} s`),
  );
  const abort = (): void => fail("given up");
  signal.addEventListener("abort", abort, { once: true });
  let head: ResponseHead | undefined;
  let length = 0;
  const chunks: Uint8Array[] = [];
  const parser = new ResponseParser({
    onInterim() {},
    onHead(given) {
      head = given;
    },
    onBody(data) {
      length += data.length;
      if (length > maxBytes) fail(`the answer is longer than ${maxBytes} bytes`);
      else if (head?.status === 200) chunks.push(Uint8Array.from(data));
    },
    onMessageEnd() {
      if (head === undefined) return;
      const { status } = head;
      const answer = head;
      resolve({ status, header: (name) => answer.get(name), body: Buffer.concat(chunks) });
    },
    onError: (_reason, detail) => fail(`the answer is no HTTP: ${detail}`),
  });
  connection.sink = {
    onData: (chunk) => void parser.push(chunk),
    onDrain() {},
    onEnd: () => parser.end(),
    onClose: () => fail("the connection was closed before the answer was whole"),
  };
  parser.expect("GET");
  connection.write(Buffer.from(requestText(url, etag), "latin1"));
  return promise.finally(() => {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  });
}

function requestText({ target, authority }: KeySetUrl, etag: string | undefined): string {
  const condition = etag === undefined ? "" : `if-none-match: ${etag}\r\n`;
  return (
    `GET ${target} HTTP/1.1\r\nhost: ${authority}\r\naccept: application/jwk-set+json, application/json\r\n` +
    `accept-encoding: identity\r\nuser-agent: weft\r\nconnection: close\r\n${condition}\r\n`
  );
}
