/**
 * A share of the rows through a real sidecar: the identity is a certificate's, the path is sent byte for byte, the verdict is what
 * the caller sees, and the deciding rule what the proxy remembers. A row is taken where a connection over loopback can say all
 * that its verdict rests on.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { AuthorizationTable, type AuthorizationVerdict } from "../../../src/decide/admission/index.ts";
import { type AdmissionRequest } from "../../../src/decide/index.ts";
import type { Authorization } from "../../../src/model/index.ts";
import { LiveScene, liveAddress } from "./live-scene.ts";
import { readRows, type Row, rowsMesh } from "./rows.ts";

const scene = new LiveScene();
beforeAll(() => scene.start());
afterAll(() => scene.close());

const rows = readRows();
const sendable = rows.filter(isSendable);
/** Every few, so that each group has its share. */
const stride = Math.max(1, Math.floor(sendable.length / 120));
const chosen = sendable.filter((row, index) => index % stride === 0 || /%|\/\/|\.\.|;|\\/.test(row.title));

test("it is a tenth of all rows at least, with raw connections, plaintext and odd paths among them", () => {
  expect(chosen.length).toBeGreaterThanOrEqual(rows.length / 10);
  expect(chosen.some(({ request }) => request.http === undefined)).toBe(true);
  expect(chosen.some(({ request }) => request.caller.identity === "")).toBe(true);
  expect(chosen.some(({ request }) => request.http?.path.includes("%") === true)).toBe(true);
  expect(new Set(chosen.map(({ expect: wanted }) => wanted.split(" ")[0]))).toEqual(
    new Set(["allow", "deny"]),
  );
});

describe("through a sidecar", () => {
  for (const row of chosen) test(`${row.group} ${row.title}`, () => check(row));
});

test("who came in plaintext is reported, and who came with an identity is not", async () => {
  scene.report();
  const request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
  await scene.exchange("", request, true);
  await scene.exchange("spiffe://mesh/ns/a/sa/x", request, true);
  const callers = scene
    .report()
    ?.plaintextCallers.map(({ address, port, count }) => [address, port, Number(count)]);
  expect(callers).toEqual([[liveAddress, scene.app.port, 1]]);
});

async function check(row: Row): Promise<void> {
  const { authorization, request } = row;
  scene.ask(authorization);
  const received = await scene.exchange(request.caller.identity, bytesOf(row), request.http !== undefined);
  const verdict = received.endsWith("hello") ? "allow" : "deny";
  if (request.http !== undefined) expect(received.slice(9, 12)).toBe(verdict === "allow" ? "200" : "403");
  else if (verdict === "deny") expect(received).toBe("");
  expect(verdict).toBe(row.expect.split(" ")[0] === "allow" ? "allow" : "deny");
  if (verdict === "allow") return;
  const { policy, rule } = await scene.deciding();
  const named = /^deny (?<policy>[^[\s]+)(?:\[(?<rule>.*)\])?$/.exec(row.expect)?.groups;
  expect([policy, rule]).toEqual([named?.["policy"] ?? "", named?.["rule"] ?? ""]);
}

function isSendable(row: Row): boolean {
  const { authorization, request, expect: wanted } = row;
  if (wanted.startsWith("ask") || request.claims !== undefined) return false;
  const { identity } = request.caller;
  if (identity !== "" && !/^spiffe:\/\/mesh\/ns\/[^/]+\/sa\/[^/]+$/.test(identity)) return false;
  const target = targetOf(request);
  if (request.http !== undefined && !/^\/[\x21-\x7e]*$/.test(target)) return false;
  if (request.http !== undefined && (request.http.authority === "" || request.http.method === "CONNECT"))
    return false;
  const table = AuthorizationTable.prepare(authorization, rowsMesh);
  const decided = table.decide(request, () => undefined);
  const live = table.decide(liveRequest(row), () => undefined);
  return textOf(decided) === textOf(live);
}

/** What the sidecar will make of it. */
function liveRequest({ authorization, request }: Row): AdmissionRequest {
  const { caller, http } = request;
  const fields = new Map(fieldsOf(authorization, request));
  return {
    caller: {
      ...caller,
      address: liveAddress,
      addressPort: 1,
      isTls: caller.identity !== "",
      serverName: "",
      port: 1,
    },
    remoteAddress: liveAddress,
    http: http && {
      ...http,
      method: http.method,
      path: http.path,
      query: http.query,
      authority: http.authority,
      scheme: "http",
      version: "HTTP/1.1",
      isGrpc: http.isGrpc,
      header: (name) => fields.get(name)?.join(", "),
      headerValues: (name) => fields.get(name) ?? [],
    },
    claims: undefined,
    nowMs: Date.now(),
  };
}

function bytesOf({ authorization, request }: Row): string {
  const { http } = request;
  if (http === undefined) return "not a request\n";
  const lines = fieldsOf(authorization, request).flatMap(([name, values]) =>
    values.map((value) => `${name}: ${value}\r\n`),
  );
  if (http.isGrpc) lines.push("content-type: application/grpc\r\n");
  return `${http.method} ${targetOf(request)} HTTP/1.1\r\nhost: ${http.authority}\r\n${lines.join("")}\r\n`;
}

function targetOf({ http }: AdmissionRequest): string {
  return http === undefined ? "" : `${http.path}${http.query === "" ? "" : `?${http.query}`}`;
}

/** Those that the policies ask for. */
function fieldsOf(authorization: Authorization, { http }: AdmissionRequest): [string, readonly string[]][] {
  if (http === undefined) return [];
  const names = new Set<string>();
  const text = JSON.stringify(authorization, (_key, value: unknown) =>
    typeof value === "bigint" ? Number(value) : value,
  );
  for (const [, name = ""] of text.matchAll(/"name":"([a-z0-9-]+)","value"/g)) names.add(name);
  for (const [, name = ""] of text.matchAll(/"name":"request\.headers","keys":\["([^"]+)"/g)) names.add(name);
  return [...names].flatMap((name): [string, readonly string[]][] => {
    const joined = http.header(name);
    const values = http.headerValues?.(name) ?? (joined === undefined ? [] : [joined]);
    return values.length === 0 || name === "host" ? [] : [[name, values]];
  });
}

function textOf(verdict: AuthorizationVerdict): string {
  if (verdict.verdict === "ask") return "ask";
  const { by } = verdict;
  return by === undefined ? verdict.verdict : `${verdict.verdict} ${by.source.name} ${by.rule}`;
}
