/** Fetches from real servers on loopback: what is taken, what is refused, and that nothing is sent to where nothing may be. */
import { afterEach, describe, expect, test } from "bun:test";
import { maxJwkSetBytes, systemClock, VirtualClock } from "../kernel/index.ts";
import { type Fetched, type FetchOptions, keySetFetcher } from "./fetch-key-set.ts";
import { parseKeySetUrl, refusedAddress } from "./key-set-url.ts";
import { keysPair } from "./testing/certificate.ts";
import { newKeySet, privateKeySet } from "./testing/key-sets.ts";

const document = newKeySet();
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

type Answer = (request: Request) => Response | Promise<Response>;

function serve(
  answer: Answer,
  tls?: { readonly cert: string; readonly key: string },
): { readonly port: number } {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: answer,
    ...(tls === undefined ? {} : { tls }),
  });
  closers.push(() => void server.stop(true));
  return { port: server.port ?? 0 };
}

async function fetchFrom(uri: string, more: Partial<FetchOptions> = {}, etag?: string): Promise<Fetched> {
  const fetch = keySetFetcher({
    allowsLoopback: true,
    trustRootsPem: () => keysPair.certificate,
    clock: systemClock,
    resolve: async () => ["127.0.0.1"],
    ...more,
  });
  return await fetch(uri, etag, new AbortController().signal);
}

async function answered(answer: Answer, etag?: string): Promise<Fetched> {
  const { port } = serve(answer);
  return await fetchFrom(`http://keys.example:${port}/jwks?a=b`, {}, etag);
}

test("asks for exactly what the URL names, and takes what comes", async () => {
  const asked: string[] = [];
  const fetched = await answered((request) => {
    asked.push(`${request.method} ${new URL(request.url).pathname}${new URL(request.url).search}`);
    asked.push(request.headers.get("host")?.split(":")[0] ?? "");
    return new Response(document, { headers: { etag: '"v1"', "cache-control": "public, max-age=120" } });
  });
  expect(asked).toEqual(["GET /jwks?a=b", "keys.example"]);
  expect(fetched).toEqual({ result: "fetched", document, etag: '"v1"', freshForMs: 120_000 });
});

test("says which version it has", async () => {
  const answer: Answer = (request) =>
    request.headers.get("if-none-match") === '"v1"'
      ? new Response(null, { status: 304, headers: { "cache-control": "max-age=60" } })
      : new Response(document);
  expect(await answered(answer, '"v1"')).toEqual({ result: "unchanged", freshForMs: 60_000 });
  expect(await answered(answer, '"v0"')).toMatchObject({ result: "fetched", etag: undefined });
});

test.each<[Record<string, string>, number | undefined]>([
  [{}, undefined],
  [{ "cache-control": "no-cache, max-age=100" }, 0],
  [{ "cache-control": "No-Store" }, 0],
  [{ "cache-control": "s-maxage=5, MAX-AGE=7" }, 7_000],
  [{ "cache-control": "x-max-age=7" }, undefined],
  [{ expires: new Date(1_700_000_600_000).toUTCString() }, 600_000],
  [{ expires: "0" }, 0],
  [{ "cache-control": "max-age=5", expires: "0" }, 5_000],
])("%j is fresh for %p", async (headers, freshForMs) => {
  const { port } = serve(() => new Response(document, { headers }));
  const fetched = await fetchFrom(`http://keys.example:${port}/`, {
    clock: new VirtualClock(1_700_000_000_000),
  });
  if (!("freshForMs" in fetched)) throw new Error("nothing came");
  // "0" is a year to some parsers: in the past all the same.
  expect(fetched.freshForMs).toBe(freshForMs);
});

describe("what is no usable answer", () => {
  const big = `{"keys":[],"x":"${"y".repeat(maxJwkSetBytes)}"}`;
  test.each<[string, Answer, string, string]>([
    ["an error", () => new Response("", { status: 503 }), "failed", "status 503"],
    ["no keys", () => new Response("{}"), "invalid", "no JWK Set"],
    ["a page", () => new Response("<html>"), "invalid", "no JWK Set"],
    ["private keys", () => new Response(privateKeySet()), "invalid", "is a secret"],
    ["too much", () => new Response(big), "failed", "longer than"],
    ["too much in chunks", () => new Response(chunked(big)), "failed", "longer than"],
    [
      "compressed",
      () => new Response(document, { headers: { "content-encoding": "br" } }),
      "invalid",
      "compressed",
    ],
  ])("%s", async (_name, answer, result, error) => {
    const fetched = await answered(answer);
    expect(fetched).toMatchObject({ result, error: expect.stringContaining(error) });
    expect(JSON.stringify(fetched)).not.toContain('"d"');
  });

  test("bytes that are no HTTP, an answer that is cut, and none at all", async () => {
    for (const [bytes, error] of [
      ["SSH-2.0-x\r\n\r\n", "no HTTP"],
      ["HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "closed"],
      ["", "closed"],
    ]) {
      using server = Bun.listen({
        hostname: "127.0.0.1",
        port: 0,
        socket: {
          data(socket) {
            socket.end(bytes);
          },
        },
      });
      const fetched = await fetchFrom(`http://keys.example:${server.port}/`);
      expect(fetched).toMatchObject({ result: "failed", error: expect.stringContaining(error ?? "") });
    }
  });

  test("an answer that never ends is given up", async () => {
    const clock = new VirtualClock();
    const waits = Promise.withResolvers<void>();
    const { port } = serve(() => {
      waits.resolve();
      return new Promise(() => {});
    });
    const fetching = fetchFrom(`http://keys.example:${port}/`, { clock });
    await waits.promise;
    clock.advance(10_000);
    expect(await fetching).toMatchObject({ result: "failed", error: "no whole answer within 10 s" });
  });

  test("nobody listens, and a name without an address", async () => {
    const { port } = serve(() => new Response(""));
    closers.pop()?.();
    expect(await fetchFrom(`http://keys.example:${port}/`)).toMatchObject({ result: "failed" });
    const none = { resolve: async () => [] };
    expect(await fetchFrom("http://keys.example/", none)).toMatchObject({
      error: "keys.example has no address",
    });
  });
});

describe("TLS", () => {
  const tls = { cert: keysPair.certificate, key: keysPair.key };

  test("the name's certificate is asked for", async () => {
    const { port } = serve(() => new Response(document), tls);
    expect(await fetchFrom(`https://keys.example:${port}/`)).toMatchObject({ result: "fetched" });
    expect(await fetchFrom(`https://other.example:${port}/`)).toMatchObject({ result: "failed" });
  });

  test("of an authority that is trusted", async () => {
    const asked: string[] = [];
    const { port } = serve((request) => {
      asked.push(request.url);
      return new Response(document);
    }, tls);
    const { getCACertificates } = await import("node:tls");
    const trustRootsPem = () => getCACertificates("bundled").join("\n");
    expect(await fetchFrom(`https://keys.example:${port}/`, { trustRootsPem })).toMatchObject({
      result: "failed",
    });
    expect(asked).toEqual([]);
  });
});

describe("redirects", () => {
  const redirecting = (location: (port: number) => string) => {
    let port = 0;
    const served = serve((request) =>
      new URL(request.url).pathname === "/end"
        ? new Response(document)
        : new Response(null, { status: 302, headers: { location: location(port) } }),
    );
    port = served.port;
    return fetchFrom(`http://keys.example:${port}/`);
  };

  test("are followed within the same scheme, host and port", async () => {
    expect(await redirecting(() => "/end")).toMatchObject({ result: "fetched" });
    expect(await redirecting((port) => `http://KEYS.example:${port}/end`)).toMatchObject({
      result: "fetched",
    });
  });

  test.each([
    ["another host", (port: number) => `http://other.example:${port}/end`],
    ["the address of the host", (port: number) => `http://127.0.0.1:${port}/end`],
    ["another port", (port: number) => `http://keys.example:${port === 1 ? 2 : 1}/end`],
    ["another scheme", (port: number) => `https://keys.example:${port}/end`],
    ["another host without a scheme", (port: number) => `//other.example:${port}/end`],
    ["a file", () => "file:///etc/passwd"],
    ["a user", (port: number) => `http://u:p@keys.example:${port}/end`],
    ["nowhere", () => "http://["],
  ])("to %s are not", async (_name, location) => {
    expect(await redirecting(location)).toMatchObject({ result: "refused" });
  });

  test("in a circle end", async () => {
    expect(await redirecting(() => "/again")).toMatchObject({ result: "failed" });
  });
});

describe("addresses", () => {
  test.each([
    "127.0.0.1",
    "127.8.9.1",
    "::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "169.254.169.254",
    "169.254.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "255.255.255.255",
    "ff02::1",
    "keys.example",
    "",
  ])("%s is not asked", (address) => {
    expect(refusedAddress(address, false)).toBeString();
  });

  test.each(["10.0.0.1", "192.168.1.1", "172.16.0.1", "203.0.113.1", "2001:db8::1", "fd00::1"])(
    "%s may be asked",
    (address) => {
      expect(refusedAddress(address, false)).toBeUndefined();
    },
  );

  test("loopback may be asked where somebody says so, link-local never", () => {
    expect(refusedAddress("127.0.0.1", true)).toBeUndefined();
    expect(refusedAddress("::1", true)).toBeUndefined();
    expect(refusedAddress("169.254.169.254", true)).toBeString();
  });

  test("a name is refused when one of its addresses is, and nothing is sent", async () => {
    const asked: string[] = [];
    const { port } = serve((request) => {
      asked.push(request.url);
      return new Response(document);
    });
    const uri = `http://keys.example:${port}/`;
    const mixed = { resolve: async () => ["127.0.0.1", "169.254.169.254"] };
    expect(await fetchFrom(uri, mixed)).toMatchObject({ result: "refused" });
    expect(await fetchFrom(uri, { allowsLoopback: false })).toMatchObject({
      result: "refused",
      error: expect.stringContaining("--jwks-allow-loopback"),
    });
    expect(asked).toEqual([]);
  });

  test("the address that was looked at is the one that is dialled", async () => {
    let asked = 0;
    const { port } = serve(() => new Response(document));
    // A name server that answers otherwise the second time is not asked a second time.
    const resolve = async (): Promise<string[]> => (asked++ === 0 ? ["127.0.0.1"] : ["169.254.169.254"]);
    expect(await fetchFrom(`http://keys.example:${port}/`, { resolve })).toMatchObject({ result: "fetched" });
    expect(asked).toBe(1);
  });

  test.each([
    ["ftp://keys.example/", "only https and http"],
    ["file:///etc/passwd", "only https and http"],
    ["https://u:p@keys.example/", "user or password"],
    ["keys.example", "no URL"],
  ])("%s is no address", async (uri, error) => {
    expect(await fetchFrom(uri)).toEqual({ result: "refused", error: expect.stringContaining(error) });
  });

  test("other spellings of an address are that address", () => {
    for (const host of ["0x7f.1", "2130706433", "017700000001", "127.1"]) {
      expect(parseKeySetUrl(`http://${host}/`)).toMatchObject({ host: "127.0.0.1" });
    }
    expect(parseKeySetUrl("http://[::1]:8/a")).toMatchObject({ host: "::1", port: 8, authority: "[::1]:8" });
  });
});

function chunked(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < text.length; at += 50_000)
        controller.enqueue(Buffer.from(text.slice(at, at + 50_000)));
      controller.close();
    },
  });
}
