/** Random conditions: of every operator, mostly of types that fit, of attributes that are there about as often as not. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ExpressionOperator as Operator, type ExpressionSchema } from "../../../src/model/index.ts";
import { pick, type Random } from "./random.ts";

type Tree = MessageInitShape<typeof ExpressionSchema>;

function call(operator: Operator, ...parts: Tree[]): Tree {
  return { kind: { case: "call", value: { operator, arguments: parts } } };
}

function attribute(name: string, ...keys: string[]): Tree {
  return { kind: { case: "attribute", value: { name, keys } } };
}

function text(value: string): Tree {
  return { kind: { case: "value", value: { kind: { case: "text", value } } } };
}

function integer(value: number): Tree {
  return { kind: { case: "value", value: { kind: { case: "integer", value: BigInt(value) } } } };
}

function boolean(value: boolean): Tree {
  return { kind: { case: "value", value: { kind: { case: "boolean", value } } } };
}

function texts(...values: string[]): Tree {
  const items = values.map((value) => ({ kind: { case: "text" as const, value } }));
  return { kind: { case: "value", value: { kind: { case: "list", value: { items } } } } };
}

const nothing: Tree = { kind: { case: "value", value: { kind: { case: "null", value: true } } } };

const textAttributes: readonly [Tree, ...Tree[]] = [
  attribute("source.identity"),
  attribute("source.namespace"),
  attribute("source.service_account"),
  attribute("source.trust_domain"),
  attribute("source.address"),
  attribute("connection.sni"),
  attribute("request.method"),
  attribute("request.path"),
  attribute("request.path"),
  attribute("request.raw_path"),
  attribute("request.host"),
  attribute("request.headers", "x"),
  attribute("request.headers", "y"),
  attribute("request.query_parameters", "q"),
  attribute("request.remote_address"),
  attribute("request.grpc_service"),
  attribute("request.grpc_method"),
  attribute("jwt.issuer"),
  attribute("jwt.subject"),
  attribute("jwt.principal"),
  attribute("jwt.claims", "tier"),
  attribute("jwt.claims", "realm", "name"),
  attribute("jwt.claims", "missing"),
  attribute("jwt.claims", "constructor"),
];

const numberAttributes: readonly [Tree, ...Tree[]] = [
  attribute("destination.port"),
  attribute("request.hour"),
  attribute("request.weekday"),
  attribute("request.time"),
  attribute("jwt.claims", "age"),
  attribute("jwt.claims", "tier"),
];

const booleanAttributes: readonly [Tree, ...Tree[]] = [
  attribute("connection.tls"),
  attribute("connection.mtls"),
  attribute("jwt.claims", "admin"),
  attribute("jwt.claims", "tier"),
];

const words = ["a", "/a", "/a/b", "GET", "1", "x", "gold", "mesh", "u1", "a.test", "10.0.0.1", ""] as const;
const patterns = ["^/a", "b$", "[ab]", "^(GET|1)$", "/a.b", "^a"] as const;
const blocks = ["10.0.0.0/8", "fd00::/8", "192.168.0.0/16"] as const;

function randomText(random: Random): Tree {
  const draw = random();
  if (draw < 0.1) return call(Operator.LOWER, randomText(random));
  return draw < 0.75 ? pick(random, textAttributes) : text(pick(random, words));
}

function randomNumber(random: Random): Tree {
  const draw = random();
  if (draw < 0.2) return call(Operator.SIZE, random() < 0.5 ? randomText(random) : randomList(random));
  return draw < 0.6
    ? pick(random, numberAttributes)
    : integer(pick(random, [0, 1, 4, 12, 80, 1_800_000_000]));
}

function randomList(random: Random): Tree {
  return pick(random, [
    attribute("jwt.claims", "roles"),
    attribute("jwt.claims", "realm", "roles"),
    attribute("jwt.audiences"),
    attribute("jwt.claims", "realm"),
    texts(pick(random, words), pick(random, words)),
  ]);
}

/** Whatever it is. */
function randomValue(random: Random): Tree {
  return pick(random, [randomText, randomNumber, randomBoolean, () => nothing])(random);
}

function randomBoolean(random: Random): Tree {
  return random() < 0.7 ? pick(random, booleanAttributes) : boolean(random() < 0.5);
}

const orders = [Operator.LESS, Operator.LESS_OR_EQUAL, Operator.GREATER, Operator.GREATER_OR_EQUAL] as const;
const parts = [Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS] as const;
const sides = [Operator.EQUAL, Operator.NOT_EQUAL] as const;

const comparisons: readonly [(random: Random) => Tree, ...((random: Random) => Tree)[]] = [
  (random) => call(pick(random, sides), randomText(random), randomText(random)),
  (random) => call(pick(random, sides), randomText(random), text(pick(random, words))),
  (random) => call(pick(random, sides), randomNumber(random), randomNumber(random)),
  (random) => call(pick(random, sides), randomValue(random), randomValue(random)),
  (random) => call(pick(random, orders), randomNumber(random), randomNumber(random)),
  (random) => call(pick(random, orders), randomText(random), randomText(random)),
  (random) => call(pick(random, parts), randomText(random), text(pick(random, words))),
  (random) => call(Operator.IN, text(pick(random, [...words, "ops", "dev"])), randomList(random)),
  (random) => call(Operator.IN, text(pick(random, ["x", "y"])), attribute("request.headers")),
  (random) => call(Operator.MATCHES, randomText(random), text(pick(random, patterns))),
  (random) => call(Operator.IN_CIDR, randomText(random), text(pick(random, blocks))),
  (random) => call(Operator.HAS, pick(random, textAttributes)),
  randomBoolean,
];

export function randomCondition(random: Random, depth = 0): Tree {
  const draw = depth > 3 ? 1 : random();
  if (draw < 0.14)
    return call(Operator.AND, randomCondition(random, depth + 1), randomCondition(random, depth + 1));
  if (draw < 0.28)
    return call(Operator.OR, randomCondition(random, depth + 1), randomCondition(random, depth + 1));
  if (draw < 0.36) return call(Operator.NOT, randomCondition(random, depth + 1));
  if (draw < 0.4) {
    const [condition, then, otherwise] = [1, 2, 3].map(() => randomCondition(random, depth + 1));
    if (condition && then && otherwise) return call(Operator.CONDITIONAL, condition, then, otherwise);
  }
  return pick(random, comparisons)(random);
}
