/** The kind `Program` of local files: an unmodified program with the service that it belongs to. Read by `weft up`, never stored. */
import {
  checkMetricsAnnotations,
  defineKind,
  dnsLabel,
  integer,
  labelValue,
  list,
  namespacedMetadata,
  object,
  objectName,
  oneOf,
  optional,
  port,
  portName,
  serviceName,
  text,
  textMap,
  type ValueOf,
} from "../api/index.ts";
import type { Issue } from "../kernel/index.ts";

export const localApiVersion = "local.weft.dev/v1alpha1";

// Bounds of a mesh on one machine: far above use, and each a number of processes or of addresses.
const maxPorts = 16;
const maxUpstreams = 64;
const maxReplicas = 50;
const maxArguments = 256;
const maxVariables = 256;

const anyLine = { min: 0, max: 32_768 };
const variableName = {
  min: 1,
  max: 256,
  pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
  expected: "a name such as LOG_LEVEL",
};

const programPort = object("A port that the program listens on.", {
  port: port("The port's number."),
  name: optional(
    text("The name that the Service gives to it; absent: made of protocol and number.", portName),
  ),
  protocol: oneOf(
    "What is spoken on it; empty: found out from the first bytes.",
    ["", "http", "http2", "grpc", "tcp", "tls"],
    { default: "" },
  ),
});

const upstream = object("A service that the program calls; told to it as <SERVICE>_URL.", {
  service: text("The Service's name.", serviceName),
  namespace: optional(text("The Service's namespace; absent: the program's own.", dnsLabel)),
  port: port("The Service's port."),
});

const schema = object("An unmodified program that weft up runs, with a sidecar of its own.", {
  apiVersion: oneOf("The version of this kind.", [localApiVersion]),
  kind: oneOf("The kind.", ["Program"]),
  metadata: namespacedMetadata(text("The workload's name.", dnsLabel)),
  spec: object("How the program is run.", {
    service: text("The Service that it belongs to; made where no file describes it.", serviceName),
    serviceAccount: optional(text("Its identity; absent: the service's name.", objectName)),
    command: list("The program and its arguments, run without a shell.", text("One argument.", anyLine), {
      min: 1,
      max: maxArguments,
    }),
    cwd: optional(text("Where it runs, relative to the file; absent: the file's folder.", anyLine)),
    env: optional(
      textMap("Variables besides those of weft up and of the mesh.", variableName, anyLine, maxVariables),
    ),
    ports: list("None: a client only. The first one is told to it as PORT.", programPort, {
      max: maxPorts,
      default: [],
    }),
    upstreams: list("The services that it calls. Needed where nothing can be captured.", upstream, {
      max: maxUpstreams,
      default: [],
    }),
    locality: optional(
      object("Where it counts as running, for requests to stay near.", {
        region: optional(text("Region.", labelValue)),
        zone: optional(text("Zone.", labelValue)),
      }),
    ),
    replicas: integer("How many of it are run.", 0, maxReplicas, { default: 1 }),
  }),
});

export type ProgramObject = ValueOf<typeof schema>;

export const programKind = defineKind({
  group: "local.weft.dev",
  version: "v1alpha1",
  kind: "Program",
  plural: "programs",
  singular: "program",
  namespaced: true,
  hasStatus: false,
  description: "An unmodified program that weft up runs, with a sidecar of its own.",
  schema,
  columns: [],
  check: (program) => [
    ...checkPorts(program),
    ...checkMetricsAnnotations(program.metadata.annotations, program.spec.ports),
  ],
});

function checkPorts(program: ProgramObject): Issue[] {
  const issues: Issue[] = [];
  const seen = new Set<number>();
  for (const [index, { port: number }] of program.spec.ports.entries()) {
    if (seen.has(number))
      issues.push({ path: `spec.ports[${index}].port`, message: `${number} is there twice` });
    seen.add(number);
  }
  return issues;
}
