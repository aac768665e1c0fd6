/** One request to the API that served this page, and what went wrong in words for people. */
export type FailureKind = "away" | "signed_out" | "forbidden" | "missing" | "refused" | "broken";

/** `kind` says what a page does about it; the message says what happened. */
export class ApiFailure extends Error {
  readonly kind: FailureKind;
  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** A control plane that hangs is as good as away. */
const timeoutMs = 15_000;
const maxMessageLength = 500;
export const meshPath = "/apis/weft.dev/v1alpha1";

/** Rejects with ApiFailure; with the signal's own reason where the caller gave up. */
export async function fetchJson<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await request(path, init);
  try {
    const body: T = await response.json();
    return body;
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause;
    throw new ApiFailure("broken", "The control plane's answer cannot be read.");
  }
}

/** For answers that are read as they come; no time limit of their own. */
export async function openStream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const response = await send(path, { signal });
  if (response.body === null) throw new ApiFailure("broken", "The control plane sent nothing.");
  return response.body;
}

function request(path: string, init: RequestInit): Promise<Response> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal =
    init.signal === undefined || init.signal === null ? timeout : AbortSignal.any([init.signal, timeout]);
  return send(path, { ...init, signal });
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...init });
  } catch (cause) {
    const isTimeout = cause instanceof DOMException && cause.name === "TimeoutError";
    if (init.signal?.aborted === true && !isTimeout) throw cause;
    throw new ApiFailure("away", "The control plane does not answer.");
  }
  if (response.ok) return response;
  throw new ApiFailure(kindOf(response.status), await messageOf(response));
}

function kindOf(status: number): FailureKind {
  if (status === 401) return "signed_out";
  if (status === 403) return "forbidden";
  if (status === 404) return "missing";
  if (status >= 500) return "broken";
  return "refused";
}

/** Of a Kubernetes Status; a proxy between may answer something else. */
async function messageOf(response: Response): Promise<string> {
  try {
    const body: unknown = await response.json();
    const message: unknown =
      typeof body === "object" && body !== null ? Reflect.get(body, "message") : undefined;
    if (typeof message === "string") return message.slice(0, maxMessageLength);
  } catch {
    // Not JSON: the status says it.
  }
  return `The control plane answered ${response.status}.`;
}

export function failureOf(cause: unknown): ApiFailure {
  if (cause instanceof ApiFailure) return cause;
  return new ApiFailure("broken", cause instanceof Error ? cause.message : String(cause));
}

/** `path?name=value&…` without what is undefined or empty. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? path : `${path}?${text}`;
}
