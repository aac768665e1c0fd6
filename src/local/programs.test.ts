/** Program files: defaults, problems with their places, what is made around a program. */
import { expect, test } from "bun:test";
import { parseYamlDocuments } from "../api/index.ts";
import { baseObjects } from "./base-objects.ts";
import { type MeshFiles, readMeshFiles } from "./programs.ts";

function read(text: string): MeshFiles {
  const { documents, issues } = parseYamlDocuments(text, "shop/programs.yaml");
  expect(issues).toEqual([]);
  return readMeshFiles(documents);
}

const head = "apiVersion: local.weft.dev/v1alpha1\nkind: Program\n";

test("fills in what is not said", () => {
  const { programs, issues } = read(
    `${head}metadata: { name: reviews-v1, labels: { version: v1 } }
spec:
  service: reviews
  command: [node, reviews.mjs]
  ports: [{ port: 9080, protocol: http }]
  upstreams: [{ service: ratings, port: 9080 }]
`,
  );
  expect(issues).toEqual([]);
  expect(programs).toEqual([
    {
      namespace: "default",
      name: "reviews-v1",
      labels: { app: "reviews", version: "v1" },
      annotations: {},
      service: "reviews",
      serviceAccount: "reviews",
      command: ["node", "reviews.mjs"],
      cwd: `${process.cwd()}/shop`,
      env: {},
      ports: [{ port: 9080, name: "http-9080", protocol: "http" }],
      upstreams: [{ namespace: "default", service: "ratings", port: 9080 }],
    },
  ]);
});

test("may count as running somewhere", () => {
  const { programs, issues } = read(
    `${head}metadata: { name: web }\nspec: { service: web, command: [x], locality: { region: eu, zone: eu-a } }`,
  );
  expect(issues).toEqual([]);
  expect(programs[0]?.locality).toEqual({ region: "eu", zone: "eu-a" });
});

test("runs as many as asked for, each with a name of its own", () => {
  const names = (replicas: number): string[] =>
    read(
      `${head}metadata: { name: web }\nspec: { service: web, command: [x], replicas: ${replicas} }`,
    ).programs.map(({ name }) => name);
  expect(names(3)).toEqual(["web-1", "web-2", "web-3"]);
  expect(names(1)).toEqual(["web"]);
  expect(names(0)).toEqual([]);
});

test("reports every problem with file, line and field", () => {
  const { issues } = read(
    `${head}metadata: { name: Web }
spec:
  service: web
  command: []
  prots: []
  ports: [{ port: 99999 }, { port: 80 }]
`,
  );
  expect(issues.map(({ file, line, path }) => `${file}:${line}: ${path}`).toSorted()).toEqual([
    "shop/programs.yaml:3: metadata.name",
    "shop/programs.yaml:6: spec.command",
    "shop/programs.yaml:7: spec.prots",
    "shop/programs.yaml:8: spec.ports[0].port",
  ]);
});

test("refuses two programs of one name, and one port twice", () => {
  const one = `${head}metadata: { name: web }\nspec: { service: web, command: [x] }\n`;
  expect(read(`${one}---\n${one}`).issues[0]?.message).toBe(
    "a program default/web is already described in shop/programs.yaml:1",
  );
  const twice = read(
    `${head}metadata: { name: web }\nspec: { service: web, command: [x], ports: [{ port: 1 }, { port: 1 }] }`,
  );
  expect(twice.issues[0]?.path).toBe("spec.ports[1].port");
});

test("leaves other kinds to the server", () => {
  const { programs, others } = read("apiVersion: v1\nkind: Service\nmetadata: { name: x }\n");
  expect([programs.length, others.length]).toEqual([0, 1]);
});

test("makes the service account and one Service in front of all versions", () => {
  const { programs } = read(
    ["v1", "v2"]
      .map(
        (version) =>
          `${head}metadata: { name: reviews-${version} }\nspec: { service: reviews, command: [x], ports: [{ port: 9080, protocol: http }] }\n`,
      )
      .join("---\n"),
  );
  const objects = baseObjects(programs, () => false, "weft-up");
  expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    "ServiceAccount reviews",
    "Service reviews",
  ]);
  expect(objects[1]?.spec).toEqual({
    selector: { app: "reviews" },
    ports: [{ name: "http-9080", port: 9080, protocol: "TCP", appProtocol: "http" }],
  });
});

test("makes nothing that the files describe, and no Service for a client", () => {
  const { programs } = read(
    `${head}metadata: { name: web, namespace: shop }\nspec: { service: web, command: [x] }`,
  );
  const described = (kind: string): boolean => kind === "ServiceAccount";
  expect(
    baseObjects(programs, described, "weft-up").map(({ kind, metadata }) => `${kind} ${metadata.name}`),
  ).toEqual(["Namespace shop"]);
});
