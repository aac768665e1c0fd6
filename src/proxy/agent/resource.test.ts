/** What a proxy could not do is refused when it comes, before anything of it is live. */
import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "../../model/index.ts";
import { prepareResource } from "./resource.ts";

function cluster(pattern: string) {
  const init = {
    namespace: "shop",
    service: "cart",
    port: 80,
    faults: [{ matches: [{ path: { case: "pathRegex" as const, value: pattern } }] }],
  };
  const bytes = toBinary(ClusterSchema, create(ClusterSchema, init));
  return prepareResource({ kind: "Cluster", name: "shop/cart:80", version: "1", bytes });
}

test("a cluster whose faults have a pattern that is none", () => {
  expect(cluster("/v[0-9]+").kind).toBe("Cluster");
  expect(() => cluster("/(?=look)")).toThrow("no RE2");
});
