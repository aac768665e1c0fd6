/** The import table of the design as data: which room may import which, and only through its door. */
import { expect, test } from "bun:test";
import { posix } from "node:path";
import { importsOf, type SourceFile, sourceFiles } from "./source-files.ts";

const kernel = ["kernel"];
const codec = ["kernel", "net"];
const planes = ["kernel", "model", "wire"];
const controlRooms = [
  ...planes,
  ...["decide", "net", "http1", "http2", "grpc", "api", "store", "registry", "identity"],
  ...["compile", "distribute", "observe", "simulate"],
];

/** Room -> rooms that it may import. `types:` before a name allows `import type` only. */
const table: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  model: kernel,
  wire: kernel,
  decide: ["kernel", "model"],
  net: kernel,
  http1: codec,
  http2: codec,
  grpc: [...codec, "http2"],
  api: kernel,
  // Of issuers of tokens: fetched wherever configuration is compiled.
  jwks: ["kernel", "net", "http1"],
  store: ["kernel", "api", "net", "grpc", "wire"],
  registry: ["kernel", "api", "store"],
  identity: planes,
  compile: ["kernel", "model", "api", "types:registry", "decide/telemetry"],
  distribute: [...planes, "net", "http2", "grpc"],
  observe: planes,
  simulate: ["kernel", "decide", "model", "api", "compile", "registry"],
  apiserver: controlRooms,
  control: [...controlRooms, "apiserver", "jwks"],
  proxy: [...planes, "decide", "net", "http1", "http2", "grpc", "intercept", "identity/x509"],
  // Compiler and gateway in one process, configured by files.
  standalone: [
    "jwks",
    "kernel",
    "model",
    "net",
    "api",
    "registry",
    "compile",
    "distribute",
    "proxy",
    "workers",
  ],
  // Several processes on one set of ports: a parent that supervises and adds up, workers that serve.
  workers: ["kernel", "net", "proxy"],
  intercept: kernel,
  client: ["kernel", "api"],
  // A file's Program is a kind like any other, declared and checked with the api's own means.
  local: ["kernel", "api", "client", "intercept"],
  // The roots that its verbs start, and what they need to read files and to speak with a server.
  // net: a datagram to systemd.
  cli: [
    "kernel",
    "net",
    "api",
    "simulate",
    "jwks",
    "client",
    "local",
    "control",
    "proxy",
    "standalone",
    "workers",
    "intercept",
  ],
};

/** Doors besides `<room>/index.ts`. */
const secondDoors = [
  "identity/x509/index.ts",
  "standalone/compiler/index.ts",
  // A proxy of one process, which must not pay for the code of workers.
  "workers/alone/index.ts",
  // Loaded with a proxy's first admission.
  "decide/admission/index.ts",
  // Has the parser of formats that the compiler checks with, too.
  // Loaded by proxies of which TelemetryPolicy or MeshConfig wants more than the defaults.
  "decide/telemetry/index.ts",
  // Loaded by proxies that are told to ask such a service.
  "wire/external-authorization/index.ts",
  // Loaded by proxies that ask such a service, and by no other.
  "wire/rate-limit/index.ts",
  // Loaded by proxies that send to a collector.
  "wire/otlp/index.ts",
  // Loaded by control planes whose store is etcd.
  "wire/etcd/index.ts",
  "store/etcd/index.ts",
];

/** Files outside of src/ that sources may import: the package's own description tells its version. */
const outsideFiles = ["package.json"];

interface Import {
  readonly file: SourceFile;
  /** The imported file, relative to src/ where it is in there, otherwise to the repository. */
  readonly target: string;
  readonly typeOnly: boolean;
}

function relativeImports(): (Import & { readonly isInside: boolean })[] {
  return sourceFiles("src").flatMap((file) =>
    importsOf(file.text)
      .filter(({ specifier }) => specifier.startsWith("."))
      .map(({ specifier, typeOnly }) => {
        const path = posix.join(posix.dirname(file.path), specifier);
        const isInside = path.startsWith("src/");
        return { file, target: isInside ? path.slice("src/".length) : path, typeOnly, isInside };
      }),
  );
}

function crossings(): Import[] {
  return relativeImports().filter(
    ({ file, target, isInside }) => isInside && room(target) !== room(file.path.slice("src/".length)),
  );
}

function room(path: string): string {
  return path.split("/")[0] ?? "";
}

function isAllowed({ file, target, typeOnly }: Import): boolean {
  const allowed = table[room(file.path.slice("src/".length))] ?? [];
  const door = secondDoors.includes(target) ? target.slice(0, -"/index.ts".length) : room(target);
  return (
    allowed.includes(door) ||
    allowed.includes(room(target)) ||
    (typeOnly && allowed.includes(`types:${door}`))
  );
}

test("the scan sees the sources and their imports", () => {
  expect(sourceFiles("src").length).toBeGreaterThan(20);
  expect(
    importsOf('import type { A } from "../a/b.ts";\nexport { c } from "./c.ts";\nawait import("./d.ts");'),
  ).toEqual([
    { specifier: "../a/b.ts", typeOnly: true },
    { specifier: "./c.ts", typeOnly: false },
    { specifier: "./d.ts", typeOnly: false },
  ]);
  expect(crossings().length).toBeGreaterThan(5);
});

test("every room is in the table", () => {
  const rooms = new Set(sourceFiles("src").map((file) => room(file.path.slice("src/".length))));
  expect([...rooms].filter((name) => table[name] === undefined)).toEqual([]);
});

test("rooms import only what the table allows", () => {
  const offenders = crossings().filter((entry) => !isAllowed(entry));
  expect(offenders.map(({ file, target }) => `${file.path} imports ${target}`)).toEqual([]);
});

test("nothing outside of the rooms is imported but what is named here", () => {
  const outside = relativeImports().filter(({ isInside }) => !isInside);
  const offenders = outside.filter(({ target }) => !outsideFiles.includes(target));
  expect(outside.length).toBeGreaterThan(0);
  expect(offenders.map(({ file, target }) => `${file.path} imports ${target}`)).toEqual([]);
});

test("rooms are entered through their doors", () => {
  const offenders = crossings().filter(
    ({ target }) => !/^[^/]+\/index\.ts$/.test(target) && !secondDoors.includes(target),
  );
  expect(offenders.map(({ file, target }) => `${file.path} imports ${target}`)).toEqual([]);
});

/** Libraries with the rooms that may load them. A proxy runs with the mesh's keys: it reads no language of operators. */
const libraryRooms: Readonly<Record<string, readonly string[]>> = {
  "@bufbuild/cel": ["compile"],
};

test("libraries are loaded only by the rooms that need them", () => {
  const seen: string[] = [];
  const offenders: string[] = [];
  for (const { path, text } of sourceFiles("src")) {
    for (const { specifier } of importsOf(text)) {
      const library = Object.keys(libraryRooms).find(
        (name) => specifier === name || specifier.startsWith(`${name}/`),
      );
      if (library === undefined) continue;
      seen.push(library);
      if (libraryRooms[library]?.includes(room(path.slice("src/".length))) !== true)
        offenders.push(`${path} imports ${specifier}`);
    }
  }
  expect([...new Set(seen)].toSorted()).toEqual(Object.keys(libraryRooms).toSorted());
  expect(offenders).toEqual([]);
});
