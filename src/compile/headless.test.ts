/** Names of headless Services: the addresses of those members that take new connections. */
import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { NameSchema } from "../model/index.ts";
import { Compiler } from "./compiler.ts";
import { stored, trust } from "./test/objects.ts";
import { TestRegistry } from "./test/test-registry.ts";

test("a member that drains is no address of its headless Service any more", () => {
  const objects = [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "db" },
      spec: { selector: { app: "db" }, clusterIP: "None", ports: [{ port: 5432 }] },
    },
    ...[1, 2].map((number) => ({
      apiVersion: "weft.dev/v1alpha1",
      kind: "MeshWorkload",
      metadata: { name: `db-${number}`, labels: { app: "db" } },
      spec: { addresses: [`10.77.0.${number}`] },
    })),
  ].map((input) => stored(input));
  const registry = new TestRegistry();
  const compiler = new Compiler({ ...trust, registry });
  compiler.apply({ upserted: objects, registry: registry.replace(objects) });
  const addresses = (): readonly string[] => {
    const name = compiler.get({ kind: "Name", key: "db.default.svc.cluster.local" });
    return name === undefined ? [] : fromBinary(NameSchema, name.bytes).addresses;
  };
  expect(addresses()).toEqual(["10.77.0.1", "10.77.0.2"]);
  registry.setDraining("default/db-1", true);
  compiler.apply({ registry: registry.replace(objects) });
  expect(addresses()).toEqual(["10.77.0.2"]);
});
