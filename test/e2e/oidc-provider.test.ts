/** Tokens of somebody else's OpenID Connect provider: its keys are fetched over HTTP, compiled into a policy's place, and rotated. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { type ApiObject, parseDocument, parseYamlDocuments } from "../../src/api/index.ts";
import { KeySetKeeper } from "../../src/jwks/index.ts";
import { issueLine, silentLog, VirtualClock } from "../../src/kernel/index.ts";
import { GatewaySchema, type JwtAuthentication } from "../../src/model/index.ts";
import { jwtFilter } from "../../src/proxy/admission/jwt/index.ts";
import { ask, FakeExchange } from "../../src/proxy/admission/jwt/testing/fake-exchange.ts";
import { admitObjects } from "../../src/standalone/admission.ts";
import { FileConfiguration } from "../../src/standalone/file-configuration.ts";

const clientSecret = "a-secret-that-is-only-for-this-test-0123456789";
let provider: Bun.Subprocess<"pipe", "pipe", "ignore">;
let lines: AsyncIterator<string>;
let issuer = "";

beforeAll(async () => {
  const program = join(import.meta.dir, "programs/oidc-provider.mjs");
  provider = Bun.spawn([process.execPath, program, clientSecret], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  lines = linesOf(provider.stdout);
  issuer = await nextLine();
});

afterAll(async () => {
  await provider.stdin.end();
  await provider.exited;
});

test("tokens of an OIDC provider are taken, through a rotation of its keys and its outage", async () => {
  const clock = new VirtualClock(Date.now());
  const configuration = new FileConfiguration();
  configuration.apply(policyFor(issuer));
  let told = Promise.withResolvers<void>();
  const keeper = new KeySetKeeper({
    clock,
    log: silentLog,
    allowsLoopback: true,
    onKeySet(uri, document, error) {
      configuration.apply(policyFor(issuer), undefined, [{ uri, document, error }]);
      told.resolve();
    },
  });
  const refreshed = async (): Promise<void> => {
    const { promise } = told;
    clock.advance(600_000);
    await promise;
    told = Promise.withResolvers<void>();
  };
  const verdictOf = async (token: string): Promise<string> => {
    const filter = jwtFilter(authenticationOf(configuration), { metrics: { asked() {}, token() {} } });
    const exchange = new FakeExchange({ fields: [["authorization", `Bearer ${token}`]], nowMs: Date.now() });
    const step = await ask(filter, exchange);
    return step === "continue" ? `taken from ${exchange.field("x-caller")}` : step.detail;
  };
  const { promise: first } = told;
  const early = await newToken();
  expect(await verdictOf(early)).toContain("could not be had yet");

  keeper.want(configuration.wantedJwks);
  await first;
  told = Promise.withResolvers<void>();
  expect(await verdictOf(early)).toBe("taken from caller");
  expect(await verdictOf(`${early.slice(0, -8)}AAAAAAAA`)).toContain("its signature is not the issuer's");

  // A new key that signs at once: its tokens wait for the next refresh, those of the old one go on.
  await rotate("two,one");
  const late = await newToken();
  expect(kidOf(late)).toBe("two");
  expect(await verdictOf(late)).toContain('the issuer has no key "two"');
  await refreshed();
  expect(await verdictOf(late)).toBe("taken from caller");
  expect(await verdictOf(early)).toBe("taken from caller");

  // The old one is withdrawn.
  await rotate("two");
  await refreshed();
  expect(await verdictOf(early)).toContain('the issuer has no key "one"');
  expect(await verdictOf(late)).toBe("taken from caller");

  // The provider is gone: its last keys stay in force.
  await provider.stdin.end();
  await provider.exited;
  await refreshed();
  expect(await verdictOf(late)).toBe("taken from caller");
  expect(keeper.figures.fetches).toEqual([
    { result: "fetched", count: 3 },
    { result: "failed", count: 1 },
  ]);
  keeper.close();
});

async function newToken(): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: {
      authorization: `Basic ${btoa(`caller:${clientSecret}`)}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: "grant_type=client_credentials&scope=read",
  });
  const answer: unknown = await response.json();
  if (typeof answer !== "object" || answer === null || !("access_token" in answer))
    throw new Error("no token");
  return String(answer.access_token);
}

function kidOf(token: string): unknown {
  const header: unknown = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
  return typeof header === "object" && header !== null && "kid" in header ? header.kid : undefined;
}

async function rotate(kids: string): Promise<void> {
  await provider.stdin.write(`${kids}\n`);
  await provider.stdin.flush();
  expect(await nextLine()).toBe(kids);
}

async function nextLine(): Promise<string> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error("the provider ended");
  return value;
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, string> {
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + Buffer.from(chunk).toString()).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  return rest;
}

function policyFor(from: string): readonly ApiObject[] {
  const text = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: door }
spec:
  gatewayClassName: weft
  listeners: [{ name: http, port: 8080, protocol: HTTP }]
---
apiVersion: weft.dev/v1alpha1
kind: AuthenticationPolicy
metadata: { name: tokens }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: door }]
  jwt:
    required: true
    providers:
      - name: login
        issuer: ${from}
        audiences: [shop]
        jwksUri: ${from}/jwks
        claimHeaders: [{ header: x-caller, claim: [client_id] }]
`;
  const { documents } = parseYamlDocuments(text, "policy.yaml");
  const sources = documents.map((source) => {
    const parsed = parseDocument(source, "write");
    if ("issues" in parsed) throw new Error(parsed.issues.map(issueLine).join("\n"));
    return { object: parsed.object, source };
  });
  return admitObjects(sources);
}

/** What the gateway's listener asks. */
function authenticationOf(configuration: FileConfiguration): JwtAuthentication {
  const resource = configuration.get("Gateway", "default/door");
  if (resource === undefined) throw new Error("no gateway was compiled");
  const { admissions, listeners } = fromBinary(GatewaySchema, resource.bytes);
  const jwt = admissions[(listeners[0]?.admission ?? 0) - 1]?.jwt;
  if (jwt === undefined) throw new Error("its listener asks for no token");
  return jwt;
}
