/** Taps over the control plane's real ports: a proxy's stream at one, a reader of the API at the other. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ApiClient } from "../client/index.ts";
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
import { type RunningControl, startControl } from "./control.ts";
import { clientOf, join } from "./test/test-proxy.ts";

const loopback = { address: "127.0.0.1", port: 0 };
let dataDir = "";
let control: RunningControl;
let api: ApiClient;
let web: TlsIdentity;
const clients: GrpcClient[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(joinPath(tmpdir(), "weft-taps-"));
  control = await startControl({ dataDir, api: loopback, ads: loopback, log: silentLog, version: "test" });
  api = new ApiClient({ server: control.apiUrl, token: readFileSync(control.tokenFile, "utf8").trim() });
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "web" } };
  await api.transact({ objects: [account], message: "" });
  const token = await api.createJoinToken({ namespace: "default", serviceAccount: "web" });
  web = await join(control, "default/web-1", token);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await control.drain();
  rmSync(dataDir, { recursive: true, force: true });
});

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
  const seen: (string | undefined)[] = [];
  for await (const { record } of api.tap({ filter: "connection.mtls", maxPerSecond: 7, seconds: 60 })) {
    if (record === undefined) continue;
    seen.push(record.requestId);
    break;
  }
  expect(seen).toEqual(["own"]);
  expect(orders[0]?.orders[0]).toMatchObject({ maxPerSecond: 7, headers: false, maxBodyBytes: 0 });
  // The reader has left, so the proxy is told that it is over.
  await ended;
  expect((await api.tappedRequest("own")).map(({ path }) => path)).toEqual(["/a"]);
});

test("a filter that cannot be read is refused with its place", async () => {
  const events = api.tap({ filter: "response.code >= 'x'" });
  expect(await events.next().catch((error: unknown) => String(error))).toContain("the filter");
});
