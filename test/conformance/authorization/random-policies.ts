/** Random policies from small alphabets, so that most fields fit many requests. Seeded: a failure can be run again. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  AuthorizationAction,
  AuthorizationLevel,
  type Authorization,
  AuthorizationSchema,
  type AuthorizationPolicySchema,
  type AuthorizationRuleSchema,
  type CallerMatchSchema,
  type OperationMatchSchema,
} from "../../../src/model/index.ts";
import { pick, type Random } from "./random.ts";
import { randomCondition } from "./random-conditions.ts";

type Texts = readonly [string, ...string[]];

export const identities: Texts = [
  "spiffe://mesh/ns/a/sa/x",
  "spiffe://mesh/ns/b/sa/x",
  "spiffe://old/ns/a/sa/x",
  "spiffe://mesh/ns/a/sa/y",
  "spiffe://other/ns/a/sa/x",
  "spiffe://mesh/gateway",
];
export const addresses: Texts = ["10.0.0.1", "10.1.2.3", "192.168.0.9", "fd00::1", "2001:db8::9"];
export const hosts: Texts = ["a.test", "A.test:8080", "b.test.", "c.a.test", "[::1]:80", "[::1]"];
export const serverNames: Texts = ["a.test", "b.test"];
export const principals: Texts = ["https://i/u1", "https://i/u2", "https://j/u1"];

const identityPatterns: Texts = [
  ...identities,
  "ns/a/sa/x",
  "ns/a/*",
  "*/sa/x",
  "*",
  "spiffe://mesh/*",
  "spiffe://old/ns/a/sa/x",
  "*y",
  "gateway",
];
const blocks: Texts = [
  "10.0.0.0/8",
  "10.0.0.1/32",
  "0.0.0.0/0",
  "fd00::/8",
  "2001:db8::/33",
  "::/0",
  "192.168.0.8/29",
];
const pathPatterns: Texts = [
  "/a",
  "/a*",
  "/a/*",
  "*",
  "*/b",
  "/a/b",
  "/a/b/*",
  "/b/*",
  "/ab",
  "/ab/*",
  "/ab*",
  "/A/*",
  "/*",
  "*M",
  "/",
  "/{*}",
  "/a/{*}",
  "/{**}/b",
  "/a/{**}",
  "/b/{*}/a",
  "/ab/{**}/b",
  "/{*}/b",
  "/{**}",
  "/%61/%62",
  "/a%2fb",
  "/s.S/M",
];
const hostPatterns: Texts = [
  "a.test",
  "*.test",
  "a.TEST:8080",
  "a.*",
  "*",
  "*:80",
  "[::1]",
  "b.test",
  "[::1]:80",
];
const headerPatterns: Texts = ["1", "2", "1*", "*2", "*", "1, 2"];

/** Lists of a few that begin alike or not, and nothing else: what is told from the first segment, or is not. */
function pathsAlone(random: Random): MessageInitShape<typeof OperationMatchSchema> {
  const list = (max: number): string[] =>
    Array.from({ length: Math.floor(random() * max) }, () => pick(random, pathPatterns));
  return { paths: list(5), notPaths: random() < 0.3 ? list(4) : [] };
}

/** Mostly none. */
function some(random: Random, items: Texts, chance: number): string[] {
  if (random() > chance) return [];
  return random() < 0.5 ? [pick(random, items)] : [pick(random, items), pick(random, items)];
}

function headers(random: Random, chance: number): { name: string; value: string }[] {
  return some(random, headerPatterns, chance).map((value) => ({ name: pick(random, ["x", "y"]), value }));
}

function randomCaller(random: Random): MessageInitShape<typeof CallerMatchSchema> {
  const chance = pick(random, [0.05, 0.15, 0.3]);
  return {
    identities: some(random, identityPatterns, chance),
    notIdentities: some(random, identityPatterns, chance / 2),
    namespaces: some(random, ["a", "b", "*", "a*"], chance),
    notNamespaces: some(random, ["a", "b", "*"], chance / 2),
    serviceAccounts: some(random, ["a/x", "b/x", "a/*", "*/x", "*"], chance),
    notServiceAccounts: some(random, ["a/x", "*/y"], chance / 2),
    trustDomains: some(random, ["mesh", "old", "o*", "*"], chance),
    notTrustDomains: some(random, ["mesh", "old", "other"], chance / 2),
    ipBlocks: some(random, blocks, chance),
    notIpBlocks: some(random, blocks, chance / 2),
    remoteIpBlocks: some(random, blocks, chance),
    notRemoteIpBlocks: some(random, blocks, chance / 2),
    jwtPrincipals: some(random, [...principals, "https://i/*", "*/u1", "*"], chance),
    notJwtPrincipals: some(random, [...principals, "*/u1"], chance / 2),
  };
}

function randomOperation(random: Random): MessageInitShape<typeof OperationMatchSchema> {
  const chance = pick(random, [0.05, 0.15, 0.3]);
  const ports = (likely: number): number[] => (random() < likely ? [pick(random, [80, 443])] : []);
  return {
    methods: some(random, ["GET", "POST", "P*", "*"], chance),
    notMethods: some(random, ["GET", "P*"], chance / 2),
    paths: some(random, pathPatterns, chance * 2),
    notPaths: some(random, pathPatterns, chance),
    hosts: some(random, hostPatterns, chance),
    notHosts: some(random, hostPatterns, chance / 2),
    ports: ports(chance),
    notPorts: ports(chance / 2),
    serverNames: some(random, ["a.test", "*.test", "A.*"], chance / 2),
    notServerNames: some(random, serverNames, chance / 2),
    grpcServices: some(random, ["s.S", "s.*", "*", "*S"], chance / 2),
    notGrpcServices: some(random, ["s.S", "s.T"], chance / 2),
    grpcMethods: some(random, ["s.S/M", "s.S/*", "*/M"], chance / 2),
    notGrpcMethods: some(random, ["s.S/M", "*/N"], chance / 2),
    headers: headers(random, chance),
    notHeaders: headers(random, chance / 2),
  };
}

/** None, one or two. */
function upToTwo<T>(random: Random, make: (random: Random) => T): T[] {
  const draw = random();
  if (draw < 0.4) return [];
  return draw < 0.8 ? [make(random)] : [make(random), make(random)];
}

function randomRule(random: Random, index: number): MessageInitShape<typeof AuthorizationRuleSchema> {
  return {
    name: `rules[${index}]`,
    from: upToTwo(random, randomCaller),
    to: upToTwo(random, random() < 0.3 ? pathsAlone : randomOperation),
    when: random() < 0.35 ? upToTwo(random, randomCondition) : [],
  };
}

const actions: readonly [AuthorizationAction, ...AuthorizationAction[]] = [
  AuthorizationAction.ALLOW,
  AuthorizationAction.ALLOW,
  AuthorizationAction.DENY,
  AuthorizationAction.CUSTOM,
  AuthorizationAction.AUDIT,
];

const levels = [
  AuthorizationLevel.MESH,
  AuthorizationLevel.NAMESPACE,
  AuthorizationLevel.WORKLOAD,
  AuthorizationLevel.ROUTE,
] as const;

export function randomAuthorization(random: Random): Authorization {
  const count = Math.floor(random() * 6);
  const policies = Array.from(
    { length: count },
    (_, index): MessageInitShape<typeof AuthorizationPolicySchema> => ({
      source: { kind: "AuthorizationPolicy", namespace: "n", name: `p${index}` },
      action: pick(random, actions),
      level: pick(random, levels),
      dryRun: random() < 0.15,
      rules: Array.from({ length: Math.floor(random() * 4) }, (__, rule) => randomRule(random, rule)),
    }),
  );
  return create(AuthorizationSchema, {
    policies: policies.toSorted((a, b) => (a.level ?? 0) - (b.level ?? 0)),
    defaultDeny: random() < 0.5,
    unitesLevels: random() < 0.2,
  });
}
