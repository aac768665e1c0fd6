/** Which requests a rule is about: callers, operations and conditions. Authorization and limits of rate say it in the same words. */
import type { Issue } from "../kernel/index.ts";
import { cidr, dnsLabel, headerName, type TextFormat } from "./formats.ts";
import {
  accountPattern,
  checkCidr,
  checkIdentity,
  checkPath,
  grpcMethodPattern,
  grpcServicePattern,
  hostPattern,
  identityPattern,
  methodPattern,
  pathPattern,
  pattern,
} from "./request-patterns.ts";
import { list, object, optional, port, text, type ValueOf } from "./schema.ts";

/** Every request is compared with each entry until one decides. */
const maxValues = 256;
const maxAlternatives = 32;
const maxConditions = 16;
/** Of one condition. The parser's time grows with it. */
const maxConditionLength = 2048;

const namespacePattern: TextFormat = {
  ...pattern,
  expected: "the name of a namespace, with * only at its beginning or end",
};

function texts(description: string, format: TextFormat) {
  return optional(list(description, text("One of them.", format), { min: 1, max: maxValues, unique: true }));
}

const callerSchema = object("A caller. All of its fields hold; of each one of the entries, of not… none.", {
  identities: texts(
    "Identities, as ns/<namespace>/sa/<service account> (of this mesh and its aliases) or whole with spiffe://.",
    identityPattern,
  ),
  notIdentities: texts("None of these identities.", identityPattern),
  namespaces: texts("Namespaces of this mesh's identities.", namespacePattern),
  notNamespaces: texts("None of these namespaces.", namespacePattern),
  serviceAccounts: texts("Service accounts, as <namespace>/<name>.", accountPattern),
  notServiceAccounts: texts("None of these service accounts.", accountPattern),
  trustDomains: texts("Trust domains of identities.", pattern),
  notTrustDomains: texts("None of these trust domains.", pattern),
  ipBlocks: texts("Where the connection comes from.", cidr),
  notIpBlocks: texts("Where it does not come from.", cidr),
  remoteIpBlocks: texts("Where the client is, as trusted proxies before the mesh tell it.", cidr),
  notRemoteIpBlocks: texts("Where the client is not.", cidr),
  jwtPrincipals: texts("<issuer>/<subject> of a valid token.", pattern),
  notJwtPrincipals: texts("None of these principals.", pattern),
});
type Caller = ValueOf<typeof callerSchema>;

function headerPatterns(description: string) {
  return optional(
    list(
      description,
      object("A header.", {
        name: text("Its name, in any case.", headerName),
        value: text("Pattern of its value; * where it only has to be there.", pattern, { default: "*" }),
      }),
      { min: 1, max: maxAlternatives },
    ),
  );
}

function ports(description: string) {
  return optional(list(description, port("A port."), { min: 1, max: maxValues, unique: true }));
}

const operationSchema = object(
  "An operation. All of its fields hold; of each one of the entries, of not… none.",
  {
    methods: texts("Methods of HTTP.", methodPattern),
    notMethods: texts("None of these methods.", methodPattern),
    paths: texts("Paths, or templates: {*} is one segment, {**} any number of them.", pathPattern),
    notPaths: texts("None of these paths.", pathPattern),
    hosts: texts("Hosts; with a port only where the pattern has one.", hostPattern),
    notHosts: texts("None of these hosts.", hostPattern),
    ports: ports("Ports that the application or the gateway's listener listens on."),
    notPorts: ports("None of these ports."),
    serverNames: texts("Server names (SNI) of the client's TLS.", hostPattern),
    notServerNames: texts("None of these server names.", hostPattern),
    grpcServices: texts("Services of gRPC, as package.Service.", grpcServicePattern),
    notGrpcServices: texts("None of these services.", grpcServicePattern),
    grpcMethods: texts("Methods of gRPC, as package.Service/Method.", grpcMethodPattern),
    notGrpcMethods: texts("None of these methods.", grpcMethodPattern),
    headers: headerPatterns("Headers, any of them."),
    notHeaders: headerPatterns("None of these headers."),
  },
);
type Operation = ValueOf<typeof operationSchema>;

/** Of a rule; without any of them it is about everything. */
export const accessFields = {
  from: optional(
    list("Callers, any of them; everybody where absent.", callerSchema, { min: 1, max: maxAlternatives }),
  ),
  to: optional(
    list("Operations, any of them; everything where absent.", operationSchema, {
      min: 1,
      max: maxAlternatives,
    }),
  ),
  when: optional(
    list(
      "Conditions in CEL, all of them; docs/reference/authorization.md lists what they may read.",
      text("A condition.", { min: 1, max: maxConditionLength }),
      { min: 1, max: maxConditions },
    ),
  ),
};

export interface Access {
  readonly from?: readonly Caller[];
  readonly to?: readonly Operation[];
  readonly when?: readonly string[];
}

/** What only a request of HTTP has, so that it can be true of no raw connection. */
export const requestFields: readonly (keyof Operation)[] = [
  "methods",
  "notMethods",
  "paths",
  "notPaths",
  "hosts",
  "notHosts",
  "grpcServices",
  "notGrpcServices",
  "grpcMethods",
  "notGrpcMethods",
  "headers",
  "notHeaders",
];
export const tokenFields: readonly (keyof Caller)[] = ["jwtPrincipals", "notJwtPrincipals"];

type Check = (text: string, path: string) => Issue[];
const callerChecks: Partial<Record<keyof Caller, Check>> = {
  identities: checkIdentity,
  notIdentities: checkIdentity,
  ipBlocks: checkCidr,
  notIpBlocks: checkCidr,
  remoteIpBlocks: checkCidr,
  notRemoteIpBlocks: checkCidr,
};

export function checkAccess({ from = [], to = [] }: Access, path: string): Issue[] {
  return [
    ...from.flatMap((caller, index) => checkCaller(caller, `${path}.from[${index}]`)),
    ...to.flatMap((operation, index) => checkOperation(operation, `${path}.to[${index}]`)),
  ];
}

function checkCaller(caller: Caller, path: string): Issue[] {
  if (Object.keys(caller).length === 0) {
    return [{ path, message: "says nothing; where everybody is meant, leave from out" }];
  }
  const issues: Issue[] = [];
  for (const [field, values] of Object.entries(caller)) {
    const check = isCallerField(field) ? callerChecks[field] : undefined;
    if (check === undefined) continue;
    for (const [index, value] of values.entries()) issues.push(...check(value, `${path}.${field}[${index}]`));
  }
  return issues;
}

function isCallerField(field: string): field is keyof Caller {
  return Object.hasOwn(callerChecks, field);
}

function checkOperation(operation: Operation, path: string): Issue[] {
  if (Object.keys(operation).length === 0) {
    return [{ path, message: "says nothing; where everything is meant, leave to out" }];
  }
  return (["paths", "notPaths"] as const).flatMap((field) =>
    (operation[field] ?? []).flatMap((each, index) => checkPath(each, `${path}.${field}[${index}]`)),
  );
}

/** Names of rules or limits, which logs and counters call by them. */
export const partName: TextFormat = dnsLabel;

export function checkPartNames(parts: readonly { readonly name?: string }[], path: string): Issue[] {
  const seen = new Set<string>();
  return parts.flatMap(({ name }, index) => {
    if (name === undefined) return [];
    if (seen.has(name)) return [{ path: `${path}[${index}].name`, message: `${name} is listed twice` }];
    seen.add(name);
    return [];
  });
}
