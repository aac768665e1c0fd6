/** What kubectl and clients like it ask of the API over HTTP: patches, dry runs, field managers, pages, tables, watches, bodies. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../kernel/index.ts";
import { type Answer, configMap, configMaps, service, services, TestApi, token } from "./testing.ts";

let api: TestApi;
const clock = new VirtualClock(Date.now());
beforeEach(async () => {
  api = await TestApi.start({ clock });
});
afterEach(() => api.close());

const applyType = { "content-type": "application/apply-patch+yaml" };
const tableType = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };
const apply = (name: string, query: string, data: object): Promise<Answer> =>
  api.call("PATCH", `${configMaps}/${name}?${query}`, configMap(name, { ...data }), applyType);
const raw = (method: string, path: string, body: string | Uint8Array, type = "application/json") =>
  fetch(`${api.server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": type },
    body,
  });

describe("server-side apply", () => {
  test("creates, changes nothing twice, and makes no revision for owners alone", async () => {
    const created = await apply("one", "fieldManager=a", { x: "1" });
    expect(created.status).toBe(201);
    const { revision, sequence } = api.store;
    const again = await apply("one", "fieldManager=a", { x: "1" });
    expect([again.status, again.body.metadata.resourceVersion]).toEqual([
      200,
      created.body.metadata.resourceVersion,
    ]);
    expect(api.store.sequence).toBe(sequence);
    const second = await apply("one", "fieldManager=b", { x: "1" });
    expect(second.body.metadata.managedFields).toHaveLength(2);
    expect([api.store.revision, api.store.sequence]).toEqual([revision, sequence + 1]);
    const [commit] = await api.store.history(1);
    expect(JSON.stringify(commit)).not.toContain("managedFields");
  });

  test("conflicts are told with their fields, and force takes them", async () => {
    await apply("one", "fieldManager=a", { x: "1" });
    const { status, body } = await apply("one", "fieldManager=b", { x: "2" });
    expect([status, body.reason]).toEqual([409, "Conflict"]);
    expect(body.details.causes).toEqual([
      { reason: "FieldManagerConflict", field: ".data.x", message: 'conflict with "a" using v1' },
    ]);
    expect((await apply("one", "fieldManager=b&force=true", { x: "2" })).body.data).toEqual({ x: "2" });
  });

  test("over an object of weft's own verbs everything has an earlier owner", async () => {
    const transaction = { objects: [configMap("one", { x: "1" }, { namespace: "default" })] };
    await api.call("POST", "/apis/weft.dev/v1alpha1/transactions", transaction);
    const { body } = await api.call("GET", `${configMaps}/one`);
    expect(body.metadata.managedFields).toBeUndefined();
    expect((await apply("one", "fieldManager=b", { x: "2" })).body.message).toContain('"before-first-apply"');
  });

  test("weft's own verbs take what they change from its owners", async () => {
    await apply("one", "fieldManager=a", { x: "1", y: "1" });
    const transaction = { objects: [configMap("one", { x: "2", y: "1" }, { namespace: "default" })] };
    await api.call("POST", "/apis/weft.dev/v1alpha1/transactions", transaction);
    const { body } = await api.call("GET", `${configMaps}/one`);
    const owners = body.metadata.managedFields.map((each: { manager: string; fieldsV1: object }) => [
      each.manager,
      each.fieldsV1,
    ]);
    expect(owners).toEqual([
      ["a", { "f:data": { "f:y": {} } }],
      ["weft", { "f:data": { "f:x": {} } }],
    ]);
  });

  test("needs a manager, the right kind and no managers of its own", async () => {
    expect((await apply("one", "", {})).status).toBe(400);
    const path = `${configMaps}/one?fieldManager=a`;
    expect((await api.call("PATCH", path, service("one"), applyType)).status).toBe(400);
    const withManagers = configMap("one", {}, { managedFields: [] });
    expect((await api.call("PATCH", path, withManagers, applyType)).status).toBe(400);
    expect(api.store.get({ kind: "ConfigMap", namespace: "default", name: "one" })).toBeUndefined();
  });
});

describe("a dry run", () => {
  test.each([
    ["POST", configMaps, configMap("new", { a: "1" })],
    ["PUT", `${configMaps}/old`, configMap("old", { a: "2" })],
    ["PATCH", `${configMaps}/old`, { data: { b: "2" } }],
    ["DELETE", `${configMaps}/old`, undefined],
    ["DELETE", configMaps, undefined],
  ])("%s %s writes nothing", async (method, path, body) => {
    await api.call("POST", configMaps, configMap("old", { a: "1" }));
    const { sequence } = api.store;
    const { status } = await api.call(method, `${path}?dryRun=All`, body);
    expect(status).toBeLessThan(300);
    expect(api.store.sequence).toBe(sequence);
    expect(api.audited().at(-1).dryRun).toBe(true);
  });

  test("is refused where it is not All", async () => {
    expect((await api.call("POST", `${configMaps}?dryRun=Some`, configMap("new"))).status).toBe(400);
  });
});

describe("pages", () => {
  const names = ({ body }: Answer): string[] =>
    body.items.map((item: { metadata: { name: string } }) => item.metadata.name);

  beforeEach(async () => {
    for (const name of ["a", "b", "c", "d", "e"]) await api.call("POST", configMaps, configMap(name));
  });

  test("show one moment, whatever is written meanwhile", async () => {
    const first = await api.call("GET", `${configMaps}?limit=2`);
    expect([names(first), first.body.metadata.remainingItemCount]).toEqual([["a", "b"], 3]);
    await api.call("DELETE", `${configMaps}/c`);
    await api.call("POST", configMaps, configMap("bb"));
    const second = await api.call("GET", `${configMaps}?limit=2&continue=${first.body.metadata.continue}`);
    expect(names(second)).toEqual(["c", "d"]);
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    const third = await api.call("GET", `${configMaps}?limit=2&continue=${second.body.metadata.continue}`);
    expect([names(third), third.body.metadata.continue]).toEqual([["e"], undefined]);
  });

  test("that come too late are gone, with a token to go on at the newest state", async () => {
    const first = await api.call("GET", `${configMaps}?limit=2`);
    await api.call("DELETE", `${configMaps}/c`);
    clock.advance(6 * 60_000);
    const late = await api.call("GET", `${configMaps}?limit=2&continue=${first.body.metadata.continue}`);
    expect([late.status, late.body.reason]).toEqual([410, "Expired"]);
    const rest = await api.call("GET", `${configMaps}?continue=${late.body.metadata.continue}`);
    expect(names(rest)).toEqual(["d", "e"]);
  });

  test.each([
    ["continue=xxx", 400],
    ["limit=-1", 400],
    ["resourceVersion=1&resourceVersionMatch=Exact", 410],
    ["resourceVersion=999999", 504],
    ["resourceVersionMatch=Exact", 400],
    ["resourceVersion=1&resourceVersionMatch=Somehow", 400],
    ["resourceVersion=1", 200],
  ])("%s is answered with %i", async (query, status) => {
    expect((await api.call("GET", `${configMaps}?${query}`)).status).toBe(status);
  });
});

describe("representations", () => {
  test("tables have the columns of weft get, and rows that name their objects", async () => {
    await api.call("POST", services, service("web"));
    const { body } = await api.call("GET", services, undefined, tableType);
    expect(body.kind).toBe("Table");
    expect(body.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual([
      "Name",
      "Type",
      "Cluster-IP",
      "Port(s)",
      "Selector",
      "Age",
    ]);
    expect(body.rows[0].cells.slice(0, 2)).toEqual(["web", "ClusterIP"]);
    expect(body.rows[0].object.kind).toBe("PartialObjectMetadata");
  });

  test("metadata alone, and nothing that cannot be spoken", async () => {
    await api.call("POST", configMaps, configMap("one", { a: "1" }));
    const accept = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    const { body } = await api.call("GET", `${configMaps}/one`, undefined, { accept });
    expect([body.kind, body.data]).toEqual(["PartialObjectMetadata", undefined]);
    const other = await api.call("GET", `${configMaps}/one`, undefined, { accept: "application/cbor" });
    expect(other.status).toBe(406);
  });
});

describe("watches", () => {
  async function* lines(query: string): AsyncGenerator<Answer["body"]> {
    const response = await fetch(`${api.server.url}${configMaps}?watch=1${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const parts = text.split("\n");
      text = parts.pop() ?? "";
      for (const part of parts) yield JSON.parse(part);
    }
  }

  test("what leaves a selector is deleted for its watch, and what enters is added", async () => {
    await api.call("POST", configMaps, configMap("one", {}, { labels: { set: "x" } }));
    const seen: string[] = [];
    for await (const { type, object } of lines("&labelSelector=set%3Dx")) {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === 1) {
        for (const set of ["y", "x", "x"]) {
          const body = configMap("one", { step: String(Math.random()) }, { labels: { set } });
          await api.call("PUT", `${configMaps}/one`, body);
        }
      }
      if (seen.length === 4) break;
    }
    expect(seen).toEqual(["ADDED one", "DELETED one", "ADDED one", "MODIFIED one"]);
  });

  test("sendInitialEvents ends what is there with a bookmark that says so", async () => {
    await api.call("POST", configMaps, configMap("one"));
    const query = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const seen: Answer["body"][] = [];
    for await (const event of lines(query)) {
      seen.push(event);
      if (seen.length === 2) break;
    }
    expect(seen.map(({ type }) => type)).toEqual(["ADDED", "BOOKMARK"]);
    expect(seen[1].object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
  });

  test("sendInitialEvents without what belongs to it is refused", async () => {
    expect((await api.call("GET", `${configMaps}?watch=1&sendInitialEvents=true`)).status).toBe(400);
  });
});

describe("preconditions and collections", () => {
  test("a deletion is for the object that was meant", async () => {
    const { body } = await api.call("POST", configMaps, configMap("one"));
    const { uid, resourceVersion } = body.metadata;
    const refuse = async (preconditions: object): Promise<number> =>
      (await api.call("DELETE", `${configMaps}/one`, { preconditions })).status;
    expect(await refuse({ uid: "other" })).toBe(409);
    expect(await refuse({ resourceVersion: "1" })).toBe(409);
    expect(await refuse({ uid, resourceVersion })).toBe(200);
  });

  test("a collection is deleted in one revision, by its selector", async () => {
    for (const name of ["a", "b", "c"])
      await api.call(
        "POST",
        configMaps,
        configMap(name, {}, { labels: { odd: name === "b" ? "no" : "yes" } }),
      );
    const { revision } = api.store;
    const { status, body } = await api.call("DELETE", `${configMaps}?labelSelector=odd%3Dyes`);
    expect([status, body.items.length, api.store.revision]).toEqual([200, 2, revision + 1]);
  });
});

describe("bodies", () => {
  test.each([
    [
      "a key twice",
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1","a":"2"}}',
      "data.a",
    ],
    [
      "a key twice in YAML",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: '1', a: '2'}\n",
      "data.a",
    ],
    ["two documents", "apiVersion: v1\n---\napiVersion: v1\n", "one YAML document"],
    ["a YAML bomb", bomb(), "more than 250000 values"],
    ["deep JSON", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, ""],
    ["deep YAML", `${"[".repeat(100_000)}${"]".repeat(100_000)} `, "nested"],
  ])("%s is refused with its place, and nothing is written", async (name, body, expected) => {
    const { sequence } = api.store;
    const isYaml = /YAML|documents/.test(name);
    const response = await raw("POST", configMaps, body, isYaml ? "application/yaml" : "application/json");
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(JSON.stringify(await response.json())).toContain(expected);
    expect(api.store.sequence).toBe(sequence);
  });

  test("YAML with bytes that are no UTF-8 is refused", async () => {
    const response = await raw("POST", configMaps, new Uint8Array([0x61, 0x3a, 0xff]), "application/yaml");
    expect([response.status, JSON.stringify(await response.json())]).toEqual([
      400,
      expect.stringContaining("UTF-8"),
    ]);
  });

  test("YAML makes an object as JSON does", async () => {
    const body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: y\ndata:\n  a: '1'\n";
    expect((await raw("POST", configMaps, body, "application/yaml")).status).toBe(201);
  });

  test("unknown fields are refused, warned of or dropped, as is asked", async () => {
    const body = { ...configMap("one"), dota: { a: 1 } };
    expect((await api.call("POST", configMaps, body)).status).toBe(422);
    const path = `${api.server.url}${configMaps}?fieldValidation=Warn`;
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const warned = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    expect([warned.status, warned.headers.get("warning")]).toEqual([201, '299 - "unknown field \\"dota\\""']);
    expect((await api.call("PUT", `${configMaps}/one?fieldValidation=Ignore`, body)).status).toBe(200);
  });

  test("a patch of an unknown media type, and protobuf of nonsense, are refused", async () => {
    await api.call("POST", configMaps, configMap("one"));
    expect((await raw("PATCH", `${configMaps}/one`, "{}", "text/plain")).status).toBe(415);
    const protobuf = "application/vnd.kubernetes.protobuf";
    for (const bytes of ["nothing", "k8s\0\xff\xff\xff", "k8s\0\n\x02\x12\x00"])
      expect((await raw("POST", configMaps, bytes, protobuf)).status).toBe(415);
  });
});

function bomb(): string {
  const levels = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (const [index, name] of "bcdefgh".split("").entries()) {
    const before = "abcdefgh"[index] ?? "a";
    levels.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(",")}]`);
  }
  return levels.join("\n");
}
