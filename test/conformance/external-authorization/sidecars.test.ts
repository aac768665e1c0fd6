/** An AuthorizationPolicy of action Custom in a mesh: OPA is a workload too, and is asked over mutual TLS by the proxy of the one that is called. */
import { describe, expect, test } from "bun:test";
import { Sidecars } from "../grpc/sidecars.ts";
import { application } from "./application.ts";
import { regoPolicy } from "./guide-files.ts";
import { findOpaServer, startOpa } from "./opa-server.ts";

const opa = await findOpaServer();

const policy = {
  apiVersion: "weft.dev/v1alpha1",
  kind: "AuthorizationPolicy",
  metadata: { name: "ask-opa", namespace: "default" },
  spec: {
    targetRefs: [{ group: "", kind: "Service", name: "web" }],
    action: "Custom",
    rules: [{}],
    custom: { protocol: "GRPC", backendRef: { name: "opa", port: 80 } },
  },
};

describe.skipIf("missing" in opa)("between sidecars", () => {
  test("the policy's service decides, and only the policy's", async () => {
    using web = await application();
    using other = await application();
    await using service = await startOpa("missing" in opa ? "" : opa.path, regoPolicy);
    await using sidecars = await Sidecars.start(
      [
        { name: "web", port: web.port, appProtocol: "http" },
        { name: "other", port: other.port, appProtocol: "http" },
        { name: "opa", port: service.port, appProtocol: "grpc" },
      ],
      [policy],
    );
    const ask = (name: string, path: string, init: RequestInit = {}): Promise<Response> =>
      fetch(`http://127.0.0.1:${sidecars.listenerOf(name)}${path}`, init);
    const granted = await ask("web", "/", { headers: { "x-role": "admin" } });
    expect([granted.status, web.seen[0]?.["x-role"]]).toEqual([200, "reader"]);
    const denied = await ask("web", "/", { method: "DELETE" });
    expect([denied.status, await denied.text()]).toEqual([403, "not for you\n"]);
    expect((await ask("web", "/x/..%2fadmin")).status).toBe(403);
    expect(web.seen.length).toBe(1);
    expect((await ask("other", "/", { method: "DELETE" })).status).toBe(200);
    expect(other.seen.length).toBe(1);
  });
});
