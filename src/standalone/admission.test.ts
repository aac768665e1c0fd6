/** What files must say, and what they may leave out. */
import { expect, test } from "bun:test";
import { keyOf, keyText } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { admitObjects } from "./admission.ts";
import { gateway, parseSource, route, service, yaml } from "./testing/test-files.ts";

function admit(...objects: readonly object[]) {
  return admitObjects(parseSource(yaml(objects), "a.yaml"));
}

function issuesOf(...objects: readonly object[]): string[] {
  try {
    admit(...objects);
  } catch (error) {
    if (error instanceof WeftError) return error.issues.map(({ file, path }) => `${file} ${path}`);
  }
  return [];
}

test("adds what a mesh has from the start, and the namespaces in use", () => {
  const keys = admit(gateway(80), route("web", "web"), ...service("web", 1)).map((each) =>
    keyText(keyOf(each)),
  );
  expect(keys).toContain("GatewayClass weft");
  expect(keys).toContain("MeshConfig mesh");
  expect(keys).toContain("Namespace default");
});

test("what the files say stands before what would be added", () => {
  const labelled = { apiVersion: "v1", kind: "Namespace", metadata: { name: "default", labels: { a: "b" } } };
  const namespaces = admit(gateway(80), labelled).filter(({ kind }) => kind === "Namespace");
  expect(namespaces.map(({ metadata }) => metadata.labels)).toEqual([{ a: "b" }]);
});

test("files without a Gateway are refused with an example", () => {
  expect(() => admit(...service("web", 1))).toThrow("no Gateway");
});

test("an object that stands in two places is refused with both", () => {
  expect(() => admit(gateway(80), gateway(81))).toThrow("1 problems");
  expect(issuesOf(gateway(80), gateway(81))).toEqual(["a.yaml metadata.name"]);
});

test.each([
  [
    "a name instead of addresses",
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "far" },
      spec: { type: "ExternalName", externalName: "example.org" },
    },
    "spec.type",
  ],
  [
    "a slice of no Service",
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "lost" },
      addressType: "IPv4",
    },
    "metadata.labels",
  ],
  [
    "a workload behind a tunnel",
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "MeshWorkload",
      metadata: { name: "w" },
      spec: { addresses: ["127.0.0.1"] },
    },
    "spec.tunnel.type",
  ],
])("refuses %s", (_what, object, path) => {
  expect(issuesOf(gateway(80), object)).toEqual([`a.yaml ${path}`]);
});

test("slices beside a Service with a selector are its endpoints", () => {
  const [web = {}, slice = {}] = service("web", 1);
  const selecting = { ...web, spec: { selector: { app: "web" }, ports: [{ port: 80 }] } };
  const admitted = admit(gateway(80), selecting, slice).find(({ kind }) => kind === "Service");
  expect(admitted?.kind === "Service" && admitted.spec.selector).toBeUndefined();
});
