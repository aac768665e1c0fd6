/** A key set from its URL: the address vetted, redirects followed within one origin, the document checked before anybody sees it. */
import { lookup } from "node:dns/promises";
import { checkJwks, type Clock, errorLine, maxJwkSetBytes } from "../kernel/index.ts";
import { getDocument, type GotDocument } from "./get-document.ts";
import { type KeySetUrl, parseKeySetUrl, refusedAddress } from "./key-set-url.ts";

export type FetchResult = "fetched" | "unchanged" | "refused" | "failed" | "invalid";

export type Fetched =
  | {
      readonly result: "fetched";
      readonly document: string;
      readonly etag: string | undefined;
      /** As the answer says; undefined: it does not. */
      readonly freshForMs: number | undefined;
    }
  | { readonly result: "unchanged"; readonly freshForMs: number | undefined }
  /** `refused`: the address is none that is asked. `invalid`: what came is no usable key set. */
  | { readonly result: "refused" | "failed" | "invalid"; readonly error: string };

export interface FetchOptions {
  readonly allowsLoopback: boolean;
  readonly trustRootsPem: () => string;
  readonly clock: Clock;
  /** All addresses of a name. Rejects where there is none. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

export type FetchKeySet = (uri: string, etag: string | undefined, signal: AbortSignal) => Promise<Fetched>;

const maxRedirects = 3;
/** Of one name; one that does not answer is not the only one. */
const maxTriedAddresses = 3;
const maxEtagLength = 256;

/** Never rejects. */
export function keySetFetcher(options: FetchOptions): FetchKeySet {
  return async (uri, etag, signal) => {
    const first = parseKeySetUrl(uri);
    if (typeof first === "string") return { result: "refused", error: first };
    let url = first;
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const got = await getOnce(options, url, etag, signal);
      if ("result" in got) return got;
      const next = redirectOf(got, url);
      if (next === undefined) return read(got, options.clock);
      if (typeof next === "string") return { result: "refused", error: next };
      url = next;
    }
    return { result: "failed", error: `it redirects more than ${maxRedirects} times` };
  };
}

async function getOnce(
  options: FetchOptions,
  url: KeySetUrl,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<GotDocument | Extract<Fetched, { readonly error: string }>> {
  const { clock, trustRootsPem, resolve = systemAddresses, allowsLoopback } = options;
  let addresses: readonly string[];
  try {
    addresses = await resolve(url.host);
  } catch {
    addresses = [];
  }
  if (addresses.length === 0) return { result: "failed", error: `${url.host} has no address` };
  // One that is refused spoils the name: which of them is dialled must not be a matter of luck.
  const refused = addresses.flatMap((address) => refusedAddress(address, allowsLoopback) ?? []);
  if (refused[0] !== undefined) return { result: "refused", error: refused[0] };
  let error = "";
  for (const address of addresses.slice(0, maxTriedAddresses)) {
    try {
      return await getDocument({
        url,
        address,
        etag,
        maxBytes: maxJwkSetBytes,
        trustRootsPem,
        clock,
        signal,
      });
    } catch (cause) {
      error = errorLine(cause);
    }
  }
  return { result: "failed", error };
}

async function systemAddresses(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Undefined: it is none. To another scheme, host or port: a policy names whom it trusts. */
function redirectOf(got: GotDocument, from: KeySetUrl): KeySetUrl | string | undefined {
  if (!redirectStatuses.has(got.status)) return undefined;
  const base = `${from.isTls ? "https" : "http"}://${from.authority}${from.target}`;
  const location = got.header("location") ?? "";
  if (location === "" || !URL.canParse(location, base)) return "it redirects to nowhere";
  const to = parseKeySetUrl(new URL(location, base).href);
  if (typeof to === "string") return `it redirects, and ${to}`;
  const isSame = to.isTls === from.isTls && to.host === from.host && to.port === from.port;
  return isSame ? to : "it redirects to another scheme, host or port; name the address itself";
}

function read(got: GotDocument, clock: Clock): Fetched {
  const freshForMs = freshness(got, clock.nowMs());
  if (got.status === 304) return { result: "unchanged", freshForMs };
  if (got.status !== 200) return { result: "failed", error: `it answers with status ${got.status}` };
  const encoding = got.header("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") return { result: "invalid", error: `the answer is compressed` };
  const document = Buffer.from(got.body).toString("utf8");
  const problem = checkJwks(document);
  if (problem !== undefined)
    return { result: "invalid", error: `the answer is no usable key set: ${problem}` };
  const etag = got.header("etag");
  const isUsable = etag !== undefined && etag.length <= maxEtagLength && /^[!-~]+$/.test(etag);
  return { result: "fetched", document, etag: isUsable ? etag : undefined, freshForMs };
}

/** RFC 9111 section 4.2.1: max-age, else Expires; what must not be reused without asking is fresh for no time. */
function freshness(got: GotDocument, nowMs: number): number | undefined {
  const control = (got.header("cache-control") ?? "").toLowerCase();
  if (/(^|[\s,])no-(cache|store)\b/.test(control)) return 0;
  const maxAge = /(?:^|[\s,])max-age="?(\d{1,9})/.exec(control)?.[1];
  if (maxAge !== undefined) return Number(maxAge) * 1000;
  const expires = got.header("expires");
  if (expires === undefined) return undefined;
  const atMs = Date.parse(expires);
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - nowMs);
}
