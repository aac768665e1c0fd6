/** The client's side of a scenario: one request, call, line or WebSocket at a time, each on a connection of its own. */
import { request as httpRequest } from "node:http";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { request as httpsRequest } from "node:https";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { clientCertificates, rootPem } from "./certificates.ts";
import type { RequestSpec } from "./scenario.ts";

export interface Place {
  readonly address: string;
  readonly port: number;
}

export interface Answer {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
  /** First DNS name of the certificate that was shown; empty in plaintext. */
  readonly certificate: string;
  readonly durationMs: number;
  readonly failure: string;
}

const timeoutMs = 10_000;
const nothing = { status: 0, headers: {}, body: "", trailers: {}, certificate: "" };

export async function ask(place: Place, spec: RequestSpec): Promise<Answer> {
  const startMs = performance.now();
  const attempt = spec.version === "2" ? askHttp2(place, spec, undefined) : askHttp1(place, spec);
  return await settled(attempt, startMs);
}

/** One unary call with an empty message. */
export async function call(place: Place, spec: RequestSpec): Promise<Answer> {
  const startMs = performance.now();
  const message = Buffer.alloc(5);
  const headers = { te: "trailers", "content-type": "application/grpc", ...spec.headers };
  return await settled(askHttp2(place, { ...spec, method: "POST", headers }, message), startMs);
}

async function settled(
  attempt: Promise<Omit<Answer, "durationMs" | "failure">>,
  startMs: number,
): Promise<Answer> {
  try {
    const answer = await attempt;
    return { ...answer, durationMs: performance.now() - startMs, failure: "" };
  } catch (error) {
    return { ...nothing, durationMs: performance.now() - startMs, failure: String(error) };
  }
}

function tlsOptions({ tls = "", clientCertificate }: RequestSpec) {
  const shown = clientCertificate === undefined ? undefined : clientCertificates[clientCertificate];
  return {
    servername: tls,
    ca: rootPem,
    rejectUnauthorized: false,
    ...(shown === undefined ? {} : { cert: shown.certChainPem, key: shown.privateKeyPem }),
  };
}

function askHttp1(place: Place, spec: RequestSpec): Promise<Omit<Answer, "durationMs" | "failure">> {
  return new Promise((resolve, reject) => {
    const options = {
      host: place.address,
      port: place.port,
      method: spec.method,
      path: spec.path,
      headers: { host: hostOf(place, spec), connection: "close", ...spec.headers },
      timeout: timeoutMs,
      agent: false as const,
      ...(spec.tls === undefined ? {} : tlsOptions(spec)),
    };
    const outgoing = spec.tls === undefined ? httpRequest(options) : httpsRequest(options);
    let certificate = "";
    outgoing.on("socket", (socket) => {
      socket.on("secureConnect", () => {
        certificate = certificateName(socket);
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in time")));
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: flat(incoming.headers),
          body: Buffer.concat(chunks).toString(),
          trailers: {},
          certificate: certificate === "" ? certificateName(incoming.socket) : certificate,
        }),
      );
    });
    outgoing.end(spec.body);
  });
}

function askHttp2(
  place: Place,
  spec: RequestSpec,
  message: Buffer | undefined,
): Promise<Omit<Answer, "durationMs" | "failure">> {
  return new Promise((resolve, reject) => {
    const scheme = spec.tls === undefined ? "http" : "https";
    const session: ClientHttp2Session = connectHttp2(
      `${scheme}://${place.address}:${place.port}`,
      spec.tls === undefined ? {} : tlsOptions(spec),
    );
    const timer = setTimeout(() => session.destroy(new Error("no answer in time")), timeoutMs);
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      session.destroy();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    session.on("error", fail);
    const stream = session.request({
      ":method": spec.method,
      ":path": spec.path,
      ":authority": hostOf(place, spec),
      ":scheme": scheme,
      ...spec.headers,
    });
    let headers: Readonly<Record<string, string>> = {};
    let trailers: Readonly<Record<string, string>> = {};
    const chunks: Buffer[] = [];
    stream.on("response", (fields) => {
      headers = flat(fields);
    });
    stream.on("trailers", (fields) => {
      trailers = flat(fields);
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", fail);
    stream.on("close", () => {
      clearTimeout(timer);
      session.close();
      const status = Number(headers[":status"] ?? 0);
      if (status === 0) {
        fail("the stream ended without an answer");
        return;
      }
      const bytes = Buffer.concat(chunks);
      const body = (message === undefined ? bytes : bytes.subarray(5)).toString();
      resolve({ status, headers, body, trailers, certificate: "" });
    });
    stream.end(message ?? spec.body);
  });
}

/** A line of TCP, in TLS where the scenario says so; the answer's body is the line that came back. */
export async function sendLine(place: Place, spec: RequestSpec): Promise<Answer> {
  const startMs = performance.now();
  const attempt = new Promise<Omit<Answer, "durationMs" | "failure">>((resolve, reject) => {
    const { address: host, port } = place;
    const socket =
      spec.tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ...tlsOptions(spec) });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error("no answer in time")));
    const send = (): void => void socket.write(`${spec.body ?? "hello"}\n`);
    socket.on(spec.tls === undefined ? "connect" : "secureConnect", send);
    socket.on("data", (data: Buffer) => {
      resolve({ ...nothing, status: 200, body: data.toString(), certificate: certificateName(socket) });
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed without an answer")));
  });
  return await settled(attempt, startMs);
}

export async function sendDatagram(place: Place, spec: RequestSpec): Promise<Answer> {
  const startMs = performance.now();
  const answer = Promise.withResolvers<Omit<Answer, "durationMs" | "failure">>();
  const socket = await Bun.udpSocket({
    socket: {
      data: (_self, data) => answer.resolve({ ...nothing, status: 200, body: data.toString() }),
    },
  });
  const timer = setTimeout(() => answer.reject(new Error("no answer in time")), 1_000);
  socket.send(`${spec.body ?? "hello"}\n`, place.port, place.address);
  const settledAnswer = await settled(answer.promise, startMs);
  clearTimeout(timer);
  socket.close();
  return settledAnswer;
}

export async function sendWebSocket(place: Place, spec: RequestSpec): Promise<Answer> {
  const startMs = performance.now();
  const attempt = new Promise<Omit<Answer, "durationMs" | "failure">>((resolve, reject) => {
    const socket = new WebSocket(`ws://${place.address}:${place.port}${spec.path}`, {
      headers: { host: hostOf(place, spec), ...spec.headers },
    });
    const timer = setTimeout(() => socket.close(), timeoutMs);
    socket.addEventListener("open", () => socket.send(spec.body ?? "hello"));
    socket.addEventListener("message", (event) => {
      clearTimeout(timer);
      resolve({ ...nothing, status: 101, body: String(event.data) });
      socket.close();
    });
    socket.addEventListener("error", () => reject(new Error("no WebSocket")));
    socket.addEventListener("close", () => reject(new Error("closed without a message")));
  });
  return await settled(attempt, startMs);
}

function hostOf({ address, port }: Place, { host }: RequestSpec): string {
  return host ?? `${address}:${port}`;
}

function flat(fields: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [
      name,
      Array.isArray(value) ? value.join(", ") : String(value),
    ]),
  );
}

function certificateName(socket: object): string {
  if (!("getPeerCertificate" in socket) || typeof socket.getPeerCertificate !== "function") return "";
  const certificate: unknown = socket.getPeerCertificate();
  const isNamed = typeof certificate === "object" && certificate !== null && "subjectaltname" in certificate;
  return isNamed ? (/DNS:([^,]+)/.exec(String(certificate.subjectaltname))?.[1] ?? "") : "";
}
