/** What a scenario file says: a feature, resources, and steps of which each must come true. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { Errors } from "typebox/value";
import { parseAllDocuments } from "yaml";

const closed = { additionalProperties: false };
const texts = Type.Record(Type.String(), Type.String());

/** What a backend saw of the request that it answered. */
const seen = Type.Object(
  {
    method: Type.Optional(Type.String()),
    path: Type.Optional(Type.String()),
    host: Type.Optional(Type.String()),
    /** A text between slashes is a pattern. */
    headers: Type.Optional(texts),
    absent: Type.Optional(Type.Array(Type.String())),
    version: Type.Optional(Type.String()),
  },
  closed,
);

const expected = Type.Object(
  {
    status: Type.Optional(Type.Integer()),
    /** Any of them. */
    statuses: Type.Optional(Type.Array(Type.Integer())),
    backend: Type.Optional(Type.String()),
    headers: Type.Optional(texts),
    absent: Type.Optional(Type.Array(Type.String())),
    seen: Type.Optional(seen),
    body: Type.Optional(Type.String()),
    /** Of gRPC. */
    grpcStatus: Type.Optional(Type.Integer()),
    /** The connection ends without an answer: refused, reset, or a failed handshake. */
    failed: Type.Optional(Type.Boolean()),
    minMs: Type.Optional(Type.Number()),
    maxMs: Type.Optional(Type.Number()),
    /** Common name or first DNS name of the certificate that was shown. */
    certificate: Type.Optional(Type.String()),
    /** Headers of the answer that later steps send as `${name}`; of a cookie what a client sends back. */
    keep: Type.Optional(texts),
  },
  closed,
);

const request = Type.Object(
  {
    /** `gateway`, `gateway/1` for a Gateway with an address of its own, or `<namespace>/<service>` through a client's sidecar. */
    to: Type.String(),
    port: Type.Integer(),
    /** Namespace of the client, for services. */
    from: Type.String({ default: "default" }),
    method: Type.String({ default: "GET" }),
    path: Type.String({ default: "/" }),
    host: Type.Optional(Type.String()),
    headers: Type.Optional(texts),
    body: Type.Optional(Type.String()),
    version: Type.Enum(["1.1", "2"], { default: "1.1" }),
    /** A name, in SNI; absent: plaintext. */
    tls: Type.Optional(Type.String()),
    /** Name of a certificate that the client shows. */
    clientCertificate: Type.Optional(Type.String()),
  },
  closed,
);

const requestStep = Type.Object({ request, expect: expected, times: Type.Optional(Type.Integer()) }, closed);
const grpcStep = Type.Object(
  { grpc: request, expect: expected, times: Type.Optional(Type.Integer()) },
  closed,
);
/** TCP and TLS connections and datagrams: a line is sent, a line comes back that begins with the backend's name. */
const lineStep = Type.Object({ line: request, kind: Type.Enum(["tcp", "udp"]), expect: expected }, closed);
const webSocketStep = Type.Object({ webSocket: request, expect: expected }, closed);
const shareStep = Type.Object(
  {
    shares: request,
    /** Absent: requests of HTTP. */
    kind: Type.Optional(Type.Enum(["tcp", "udp"])),
    times: Type.Integer(),
    /** All at the same time. */
    atOnce: Type.Optional(Type.Boolean()),
    /** Backend, or status other than 200, to share of 1. Nobody else has a share. */
    expect: Type.Optional(Type.Record(Type.String(), Type.Number())),
    /** How many backends and other statuses have a share. */
    distinct: Type.Optional(Type.Integer()),
    tolerance: Type.Number({ default: 0.1 }),
  },
  closed,
);
/** How many requests whose path begins so each backend has seen since the scenario began. */
const countStep = Type.Object(
  {
    count: Type.Object({ path: Type.String() }, closed),
    expect: Type.Record(Type.String(), Type.Object({ min: Type.Integer(), max: Type.Integer() }, closed)),
  },
  closed,
);
const statusStep = Type.Object(
  {
    status: Type.Object(
      {
        kind: Type.String(),
        namespace: Type.String({ default: "default" }),
        name: Type.String(),
        /** Of a route: name of the parent. */
        parent: Type.Optional(Type.String()),
        listener: Type.Optional(Type.String()),
      },
      closed,
    ),
    /** Type to "True", "False", or "False/Reason". */
    conditions: Type.Optional(texts),
    /** Dotted path in the status to what must stand there. */
    fields: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  closed,
);
/** Beside the scenario's objects, in place of those of the same name; another such step takes them back. */
const applyStep = Type.Object({ apply: Type.Array(Type.Unknown()) }, closed);

const step = Type.Union([
  requestStep,
  grpcStep,
  lineStep,
  webSocketStep,
  shareStep,
  countStep,
  statusStep,
  applyStep,
]);

const scenarioSchema = Type.Object(
  {
    /** Names of Gateway API's features, or of weft's own. */
    features: Type.Array(Type.String(), { minItems: 1 }),
    title: Type.String(),
    environments: Type.Array(Type.Enum(["serve", "mesh"]), { default: ["serve", "mesh"] }),
    objects: Type.Array(Type.Unknown()),
    steps: Type.Array(step, { minItems: 1 }),
  },
  closed,
);

export type Scenario = Static<typeof scenarioSchema> & { readonly file: string };
export type Step = Static<typeof step>;
export type RequestSpec = Static<typeof request>;
export type Expected = Static<typeof expected>;
export type SharesStep = Static<typeof shareStep>;
export type CountStep = Static<typeof countStep>;
export type StatusStep = Static<typeof statusStep>;
export type EnvironmentName = "serve" | "mesh";

const validator = Compile(scenarioSchema);
const folder = join(import.meta.dir, "scenarios");

/** Every file holds one or more scenarios, each a YAML document. Throws for one that does not say what it should. */
export function readScenarios(): Scenario[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .toSorted()
    .flatMap((name) =>
      parseAllDocuments(readFileSync(join(folder, name), "utf8"), { merge: true }).map((document, index) => {
        if (document.errors.length > 0) throw new Error(`${name}: ${document.errors[0]?.message}`);
        const value: unknown = withDefaults(document.toJS());
        if (!validator.Check(value)) {
          const [first] = Errors(scenarioSchema, value);
          throw new Error(`${name}, document ${index + 1}: ${first?.instancePath} ${first?.message}`);
        }
        return { ...value, file: name };
      }),
    );
}

/** TypeBox fills defaults of unions by the first member that fits, which is not what a step means: these are few enough to name. */
function withDefaults(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const steps = Array.isArray(value["steps"]) ? value["steps"].map(stepWithDefaults) : value["steps"];
  return { environments: ["serve", "mesh"], ...value, steps };
}

function stepWithDefaults(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const filled: Record<string, unknown> = { ...value };
  for (const key of ["request", "grpc", "line", "webSocket", "shares"]) {
    const given = filled[key];
    if (isRecord(given))
      filled[key] = { from: "default", method: "GET", path: "/", version: "1.1", ...given };
  }
  if ("shares" in filled) filled["tolerance"] ??= 0.1;
  const status = filled["status"];
  if (isRecord(status)) filled["status"] = { namespace: "default", ...status };
  return filled;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
