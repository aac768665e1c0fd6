/** Taps over the control plane's real ports: a proxy's stream at one, a reader of the API at the other. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { GrpcClient } from "../grpc/index.ts";
import { silentLog } from "../kernel/index.ts";
import type { TlsIdentity } from "../net/index.ts";
import {
  Direction,
  Telemetry,
  type TapOrders,
  type TapRecordSchema,
  TapUploadSchema,
} from "../wire/index.ts";
import { startControl } from "./control.ts";
import type { RunningControl } from "./control-options.ts";
import { clientOf, join } from "./test/test-proxy.ts";

const loopback = { address: "127.0.0.1", port: 0 };
let dataDir = "";
let control: RunningControl;
let web: TlsIdentity;
const clients: GrpcClient[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(joinPath(tmpdir(), "weft-taps-"));
  control = await startControl({ dataDir, api: loopback, ads: loopback, log: silentLog, version: "test" });
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "web" } };
  await post("/apis/weft.dev/v1alpha1/transactions", { objects: [account] });
  const answer = await post("/api/v1/namespaces/default/serviceaccounts/web/token", {});
  const token = /"token":"(?<token>[^"]+)"/.exec(answer)?.groups?.["token"] ?? "";
  web = await join(control, "default/web-1", token);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await control.drain();
  rmSync(dataDir, { recursive: true, force: true });
});

function call(path: string, init: RequestInit = {}): Promise<Response> {
  const token = readFileSync(control.tokenFile, "utf8").trim();
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return fetch(`${control.apiUrl}${path}`, { ...init, headers });
}

async function post(path: string, body: object): Promise<string> {
  const response = await call(path, { method: "POST", body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

/** A proxy's stream, which answers the first order with these records. */
function proxy(identity: TlsIdentity | undefined, records: MessageInitShape<typeof TapRecordSchema>[] = []) {
  const client = clientOf(control, identity);
  clients.push(client);
  const orders: TapOrders[] = [];
  const closed = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<void>();
  const stream = client.bidi(Telemetry.method.tap, {
    onMessage: (message) => {
      orders.push(message);
      const [order] = message.orders;
      if (order === undefined) return ended.resolve();
      stream.send(
        create(TapUploadSchema, { records: records.map((record) => ({ ...record, orders: [order.id] })) }),
      );
    },
    onClose: ({ code }) => closed.resolve(code),
  });
  return { orders, closed: closed.promise, ended: ended.promise };
}

test("a proxy without a certificate taps nothing", async () => {
  expect(await proxy(undefined).closed).toBe("unauthenticated");
});

test("a reader gets what a proxy tells of itself, and nothing that it tells of others", async () => {
  const sourceIdentity = `spiffe://${control.trustDomain}/ns/default/sa/web`;
  const own = {
    direction: Direction.OUTBOUND,
    proxy: "default/web-1",
    sourceWorkload: "default/web-1",
    sourceIdentity,
  };
  const { orders, ended } = proxy(web, [
    { ...own, requestId: "forged", sourceIdentity: `spiffe://${control.trustDomain}/ns/default/sa/db` },
    { ...own, requestId: "other", proxy: "other/web-1", sourceWorkload: "other/web-1" },
    { ...own, requestId: "own", path: "/a" },
  ]);
  const left = new AbortController();
  const tap = await call("/apis/weft.dev/v1alpha1/tap?filter=connection.mtls&maxPerSecond=7", {
    signal: left.signal,
  });
  let text = "";
  for await (const chunk of tap.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.includes('"type":"record"')) break;
  }
  expect(/"requestId":"(\w+)"/.exec(text)?.[1]).toBe("own");
  expect(orders[0]?.orders[0]).toMatchObject({ maxPerSecond: 7, headers: false, maxBodyBytes: 0 });
  // The reader leaves, so the proxy is told that it is over.
  left.abort();
  await ended;
  expect(await (await call("/apis/weft.dev/v1alpha1/requests/own")).json()).toMatchObject({
    hops: [{ path: "/a" }],
  });
});

test("a filter that cannot be read is refused with its place", async () => {
  const refused = await call("/apis/weft.dev/v1alpha1/tap?filter=response.code%20%3E%3D%20'x'");
  expect([refused.status, await refused.text()]).toEqual([
    400,
    expect.stringContaining("the filter at character"),
  ]);
});
