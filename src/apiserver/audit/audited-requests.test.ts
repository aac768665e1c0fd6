/** What the audit log says of requests. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { configMap, configMaps } from "../testing.ts";
import { PeoplesApi, bindingOf, clusterRole, on, transactions, user } from "../testing-people.ts";

let mesh: PeoplesApi;
beforeEach(async () => {
  mesh = await PeoplesApi.start();
});
afterEach(() => mesh.close());

describe("the audit log has", () => {
  test("every write with who, how, from where, what and the revision, before the answer", async () => {
    await mesh.apply(clusterRole("edit", [on(["*"], ["configmaps"])]), bindingOf("ann", "edit", user("ann")));
    await mesh.as("ann")("POST", configMaps, configMap("a"));
    const [intent, done] = mesh.api.audited().slice(-2);
    expect(intent).toMatchObject({
      phase: "intent",
      user: "ann",
      groups: ["dev", "qa", "system:authenticated"],
      method: "static_token",
      source: "127.0.0.1",
      verb: "create",
      objects: [{ kind: "ConfigMap", namespace: "default", name: "a", verb: "create" }],
    });
    expect(done).toMatchObject({
      phase: "done",
      outcome: "ok",
      id: intent.id,
      revision: mesh.api.store.revision,
    });
    expect((await mesh.api.audit.verify()).problem).toBeUndefined();
  });

  test("dry runs, refusals and join tokens, and no token in any of them", async () => {
    await mesh.admin("POST", transactions, { objects: [configMap("a")], dryRun: true });
    expect(mesh.api.audited().at(-1)).toMatchObject({ verb: "transact", dryRun: true, outcome: "ok" });
    await mesh.as("ann")("DELETE", `${configMaps}/a`);
    expect(mesh.api.audited().at(-1)).toMatchObject({
      verb: "delete configmaps a in namespace default",
      outcome: "denied",
      user: "ann",
    });
    await mesh.api.call("GET", configMaps, undefined, {
      authorization: "Bearer wrong-token-that-nobody-has",
    });
    expect(mesh.api.audited().at(-1)).toMatchObject({ user: "", method: "none", outcome: "denied" });
    await mesh.admin("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", {});
    expect(mesh.api.audited().at(-1)).toMatchObject({ verb: "create join token", outcome: "ok" });
    expect(JSON.stringify(mesh.api.audited())).not.toMatch(
      /token-0123456789|wrong-token|the-token|join-default/,
    );
  });

  test("no gap on a full disk: writes are refused, reads go on", async () => {
    mesh.api.audit.close();
    const refused = await mesh.admin("POST", configMaps, configMap("a"));
    expect(refused.status).toBe(503);
    expect((await mesh.admin("GET", `${configMaps}/a`)).status).toBe(404);
    expect((await mesh.admin("GET", configMaps)).status).toBe(200);
  });
});
