/** The API client against a real HTTP server: what it sends, what it makes of answers, failures and watches. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorLine, WeftError } from "../kernel/index.ts";
import { ApiClient, deletionOf } from "./api-client.ts";

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Answer = () => Response | Promise<Response>;

/** A server that records what it is asked and answers as told. */
function serve(answer: Answer, unixPath?: string): { seen: Seen[]; url: string } {
  const seen: Seen[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    seen.push({
      method: request.method,
      path: pathname + search,
      authorization: request.headers.get("authorization"),
      body,
    });
    return answer();
  };
  const server =
    unixPath === undefined
      ? Bun.serve({ hostname: "127.0.0.1", port: 0, fetch })
      : Bun.serve({ unix: unixPath, fetch });
  cleanups.push(() => server.stop(true));
  return { seen, url: `http://127.0.0.1:${server.port}` };
}

function clientOf(answer: Answer): { client: ApiClient; seen: Seen[] } {
  const { seen, url } = serve(answer);
  return { client: new ApiClient({ server: url, token: "secret" }), seen };
}

const stored = { uid: "u", resourceVersion: "7", generation: 1, creationTimestamp: "2026-01-01T00:00:00Z" };
const configMap = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", namespace: "default", ...stored },
  data: { k: "v" },
};

async function rejection(action: Promise<unknown>): Promise<WeftError> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof WeftError) return error;
  throw new Error(`expected a WeftError, got ${String(error)}`);
}

describe("requests", () => {
  test.each<[string, (client: ApiClient) => Promise<unknown>, string]>([
    [
      "an object",
      (c) => c.get("ConfigMap", { namespace: "shop", name: "a" }),
      "GET /api/v1/namespaces/shop/configmaps/a",
    ],
    ["an object of no namespace", (c) => c.get("Namespace", { name: "shop" }), "GET /api/v1/namespaces/shop"],
    [
      "a name with a slash",
      (c) => c.get("ConfigMap", { name: "../x" }),
      "GET /api/v1/namespaces/default/configmaps/..%2Fx",
    ],
    [
      "a list of all namespaces",
      (c) => c.list("HTTPRoute"),
      "GET /apis/gateway.networking.k8s.io/v1/httproutes",
    ],
    [
      "a list by label",
      (c) => c.list("Service", { namespace: "shop", labelSelector: "app=x" }),
      "GET /api/v1/namespaces/shop/services?labelSelector=app%3Dx",
    ],
    [
      "a deletion",
      (c) => c.delete("MeshWorkload", { name: "w" }),
      "DELETE /apis/weft.dev/v1alpha1/namespaces/default/meshworkloads/w",
    ],
    [
      "the history",
      (c) => c.history({ limit: 5, before: 9 }),
      "GET /apis/weft.dev/v1alpha1/history?limit=5&before=9",
    ],
    ["the topology", (c) => c.topology(60), "GET /apis/weft.dev/v1alpha1/topology?window=60"],
    [
      "the topology of services near one",
      (c) => c.topology(60, { by: "service", focus: "shop/web", depth: 2 }),
      "GET /apis/weft.dev/v1alpha1/topology?window=60&by=service&focus=shop%2Fweb&depth=2",
    ],
    [
      "signals",
      (c) => c.signals({ service: "shop/web", by: "version", stepMs: 10_000 }),
      "GET /apis/weft.dev/v1alpha1/signals?service=shop%2Fweb&by=version&stepMs=10000",
    ],
    [
      "services",
      (c) => c.services(60, "shop"),
      "GET /apis/weft.dev/v1alpha1/services?window=60&namespace=shop",
    ],
    [
      "a service's view",
      (c) => c.serviceView("shop", "a/b", 60),
      "GET /apis/weft.dev/v1alpha1/serviceviews/shop/a%2Fb?window=60",
    ],
    ["findings", (c) => c.findings(), "GET /apis/weft.dev/v1alpha1/findings"],
    [
      "a join token",
      (c) => c.createJoinToken({ namespace: "shop", serviceAccount: "web" }),
      "POST /api/v1/namespaces/shop/serviceaccounts/web/token",
    ],
  ])("for %s go to the right path with the token", async (_name, act, expected) => {
    const { client, seen } = clientOf(() => Response.json({}, { status: 500 }));
    await rejection(act(client));
    expect(seen.map(({ method, path }) => `${method} ${path}`)).toEqual([expected]);
    expect(seen[0]?.authorization).toBe("Bearer secret");
  });

  test("never go through a proxy of the environment, which would see the token", async () => {
    const proxy = serve(() => Response.json({}));
    const before = process.env["HTTP_PROXY"];
    process.env["HTTP_PROXY"] = proxy.url;
    cleanups.push(() => {
      if (before === undefined) delete process.env["HTTP_PROXY"];
      else process.env["HTTP_PROXY"] = before;
    });
    const { client, seen } = clientOf(() => Response.json(configMap));
    await client.get("ConfigMap", { name: "a" });
    expect([seen.length, proxy.seen.length]).toEqual([1, 0]);
  });

  test("are not redirected", async () => {
    const elsewhere = serve(() => Response.json(configMap));
    const { client } = clientOf(() => Response.redirect(elsewhere.url, 307));
    await rejection(client.get("ConfigMap", { name: "a" }));
    expect(elsewhere.seen).toEqual([]);
  });

  test("go over a Unix socket too", async () => {
    const directory = mkdtempSync(join(tmpdir(), "weft-client-"));
    cleanups.push(() => rmSync(directory, { recursive: true }));
    const unixPath = join(directory, "api.sock");
    const { seen } = serve(() => Response.json(configMap), unixPath);
    const client = new ApiClient({ unixPath, token: "secret" });
    expect((await client.get("ConfigMap", { name: "a" })).data).toEqual({ k: "v" });
    expect(await client.isReady()).toBe(true);
    expect(seen[0]?.path).toBe("/api/v1/namespaces/default/configmaps/a");
  });
});

describe("answers", () => {
  test("a list has typed items, which may leave out their kind, and unknown fields are kept", async () => {
    const { apiVersion, kind, ...item } = configMap;
    const { client } = clientOf(() =>
      Response.json({
        kind: `${kind}List`,
        apiVersion,
        metadata: { resourceVersion: "9" },
        items: [{ ...item, later: 1 }],
      }),
    );
    const { items, resourceVersion } = await client.list("ConfigMap");
    expect(resourceVersion).toBe("9");
    expect(items.map((each) => each.data?.["k"])).toEqual(["v"]);
    expect(items[0]).toHaveProperty("later", 1);
  });

  test("a transaction says what became of each object", async () => {
    const answer = {
      revision: 4,
      results: [{ kind: "ConfigMap", namespace: "default", name: "a", outcome: "created" as const }],
    };
    const { client, seen } = clientOf(() => Response.json(answer));
    const request = {
      objects: [configMap],
      deletions: [deletionOf("Namespace", { namespace: "x", name: "old" })],
      message: "m",
    };
    expect(await client.transact(request)).toEqual(answer);
    expect(seen[0]?.body).toEqual({
      objects: [configMap],
      deletions: [{ kind: "Namespace", name: "old" }],
      message: "m",
    });
  });

  test("a join token is the token alone", async () => {
    const status = { token: "join-me", expirationTimestamp: "2026-01-01T00:10:00.000Z" };
    const { client, seen } = clientOf(() =>
      Response.json(
        { kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1", spec: {}, status },
        { status: 201 },
      ),
    );
    expect(
      await client.createJoinToken({ namespace: "shop", serviceAccount: "web", expirationSeconds: 60 }),
    ).toBe("join-me");
    expect(seen[0]?.body).toMatchObject({ spec: { audiences: ["weft-join"], expirationSeconds: 60 } });
  });

  test.each([
    [404, "NotFound", "not_found"],
    [409, "AlreadyExists", "already_exists"],
    [409, "Conflict", "conflict"],
    [401, "Unauthorized", "unauthenticated"],
    [403, "Forbidden", "forbidden"],
    [400, "BadRequest", "usage"],
    [429, "TooManyRequests", "exhausted"],
    [507, "InternalError", "io"],
    [500, "InternalError", "internal"],
    [418, "NeverHeardOf", "internal"],
  ] as const)("HTTP %d with reason %s is %s", async (code, reason, expected) => {
    const status = {
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      message: "what the server says",
      reason,
      code,
    };
    const { client } = clientOf(() => Response.json(status, { status: code }));
    const error = await rejection(client.status());
    expect([error.code, error.message]).toEqual([expected, "what the server says"]);
  });

  test("every cause of a refusal becomes an issue", async () => {
    const causes = [
      { field: "objects[0].spec.ports[0].port", message: "must be 1 or more", reason: "FieldValueInvalid" },
      { field: "objects[1].kind", message: "is required" },
    ];
    const status = {
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      reason: "Invalid",
      message: "no",
      details: { causes },
    };
    const { client } = clientOf(() => Response.json(status, { status: 422 }));
    const error = await rejection(client.transact({ objects: [] }));
    expect(error.code).toBe("bad_input");
    expect(error.issues).toEqual(causes.map(({ field, message }) => ({ path: field, message })));
  });

  test.each<[string, () => Response, WeftError["code"]]>([
    ["HTML of something else", () => new Response("<html>", { status: 404 }), "not_found"],
    ["no JSON", () => new Response("hello"), "unavailable"],
    ["JSON of another shape", () => Response.json({ revision: "three" }), "unavailable"],
  ])("%s is one line that asks what server that is", async (_name, answer, code) => {
    const { client } = clientOf(answer);
    const error = await rejection(client.status());
    expect(error.code).toBe(code);
    expect(errorLine(error)).toContain("is that a weft control plane");
    expect(errorLine(error)).not.toContain("\n");
  });

  test("an object of another kind is not passed off as the one asked for", async () => {
    const { client } = clientOf(() => Response.json(configMap));
    expect((await rejection(client.get("Secret", { name: "a" }))).code).toBe("unavailable");
  });
});

describe("a server that is not there", () => {
  test("is one line that says where and what to do", async () => {
    const gone = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const url = `http://127.0.0.1:${gone.port}`;
    gone.stop(true);
    const client = new ApiClient({ server: url });
    const error = await rejection(client.status());
    expect(error.code).toBe("unreachable");
    expect(errorLine(error)).toStartWith(
      `no control plane answers at ${url} (connection refused); is it running?`,
    );
    expect(await client.isReady()).toBe(false);
  });

  test("may be a socket file that is missing", async () => {
    const error = await rejection(new ApiClient({ unixPath: join(tmpdir(), "weft-no-such.sock") }).status());
    expect([error.code, error.message]).toEqual(["unreachable", expect.stringContaining("(no such socket)")]);
  });

  test("or one that does not answer in time", async () => {
    const { url } = serve(() => new Promise(() => {}));
    const error = await rejection(new ApiClient({ server: url, timeoutMs: 50 }).status());
    expect([error.code, error.message]).toEqual([
      "timeout",
      expect.stringContaining("did not answer within 0.05 s"),
    ]);
  });

  test("or closes the connection at once", async () => {
    const rude = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end() },
    });
    cleanups.push(() => rude.stop(true));
    expect((await rejection(new ApiClient({ server: `http://127.0.0.1:${rude.port}` }).status())).code).toBe(
      "unreachable",
    );
  });
});

describe("watch", () => {
  const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
  const bookmark = line("BOOKMARK", {
    kind: "ConfigMap",
    apiVersion: "v1",
    metadata: { resourceVersion: "8" },
  });

  function stream(lines: string, end: boolean): Response {
    let isSent = false;
    return new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          if (!isSent) controller.enqueue(Buffer.from(lines));
          isSent = true;
          if (end) controller.close();
          return end ? undefined : new Promise<void>(() => {});
        },
      }),
    );
  }

  test("gives changes in order, leaves bookmarks out and ends with the server", async () => {
    const { client, seen } = clientOf(() =>
      stream(line("ADDED", configMap) + bookmark + line("DELETED", configMap), true),
    );
    const types: string[] = [];
    for await (const event of client.watch("ConfigMap", { namespace: "shop", resourceVersion: "5" })) {
      types.push(`${event.type} ${event.object.metadata.name}`);
    }
    expect(types).toEqual(["added a", "deleted a"]);
    expect(seen[0]?.path).toBe("/api/v1/namespaces/shop/configmaps?watch=1&resourceVersion=5");
  });

  test("ends quietly when its signal fires", async () => {
    const { client } = clientOf(() => stream(line("ADDED", configMap), false));
    const stop = new AbortController();
    let events = 0;
    for await (const _ of client.watch("ConfigMap", { signal: stop.signal })) {
      events++;
      stop.abort();
    }
    expect(events).toBe(1);
  });

  test("can be left at any time", async () => {
    const { client } = clientOf(() => stream(line("ADDED", configMap), false));
    for await (const _ of client.watch("ConfigMap")) break;
    expect(await client.isReady()).toBe(true);
  });

  test("says when what it asked for is gone", async () => {
    const status = {
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      reason: "Expired",
      code: 410,
      message: "version 5 is no longer kept",
    };
    const { client } = clientOf(() => stream(line("ERROR", status), true));
    const error = await rejection(client.watch("ConfigMap", { resourceVersion: "5" }).next());
    expect([error.code, error.fields["reason"], error.fields["httpStatus"]]).toEqual([
      "conflict",
      "Expired",
      410,
    ]);
  });

  test("refused at the door is an error, not an empty stream", async () => {
    const { client } = clientOf(() =>
      Response.json(
        { kind: "Status", apiVersion: "v1", status: "Failure", reason: "Unauthorized" },
        { status: 401 },
      ),
    );
    expect((await rejection(client.watch("ConfigMap").next())).code).toBe("unauthenticated");
  });
});
