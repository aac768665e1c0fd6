/**
 * `npm run bench:admission`: what policies add to one request at a door, in nanoseconds of this process: authorization, a token that is
 * known, limits of the proxy's own, and all of them. Heads are parsed before the clock runs, so that every token and path is a new
 * text as on the wire; what runs is what a proxy runs: its filters, its facts of a request, its counters.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { CallerFacts } from "../../src/decide/index.ts";
import { type RequestHead, RequestParser } from "../../src/http1/index.ts";
import { createLog, systemClock } from "../../src/kernel/index.ts";
import {
  type Admission,
  AdmissionSchema,
  AuthorizationAction,
  AuthorizationLevel,
  type AuthorizationPolicySchema,
  type ClaimHeader,
  InboundSchema,
  MeshSchema,
  type RateLimitSchema,
  RateLimitScope,
} from "../../src/model/index.ts";
import { TimerWheel } from "../../src/net/index.ts";
import { Admissions, type AdmissionContext, filterFactories } from "../../src/proxy/admission/index.ts";
import type { RequestFilter } from "../../src/proxy/admission/filter.ts";
import {
  authentication,
  goodClaims,
  jwksOf,
  provider,
  signingKey,
  tokenOf,
} from "../../src/proxy/admission/jwt/testing/issuer.ts";
import { AdmissionRun } from "../../src/proxy/serve/admission-run.ts";
import type { AskedFirst } from "../../src/proxy/serve/http-service.ts";
import { RequestFacts } from "../../src/proxy/serve/request-facts.ts";
import { PolicyCounters } from "../../src/proxy/telemetry/index.ts";
import { RequestLimit } from "../../src/proxy/upstream/index.ts";
import { fakeSnapshot } from "../../src/proxy/testing/fake-agent.ts";

const rounds = 60;
/** Few enough that heads are in the cache, as they are when they were just parsed. */
const batchSize = 50;
const batches = 40;
/** Until the engine has compiled what it will compile. */
const warmUpRounds = 60;

type Fields<T> = Omit<T, "$typeName" | "$unknown">;
type PolicyInit = Fields<MessageInitShape<typeof AuthorizationPolicySchema>>;
type LimitInit = Fields<MessageInitShape<typeof RateLimitSchema>>;

const counters = new PolicyCounters();
const context: AdmissionContext = {
  clock: systemClock,
  wheel: new TimerWheel(systemClock, 10, 64),
  random: Math.random,
  log: createLog({ format: "text", level: "info", write: () => {} }),
  workload: "shop/web",
  processes: 1,
  externalQuestions: new RequestLimit(1),
  mesh: () => undefined,
  cluster: () => undefined,
  metrics: { asked() {}, token() {} },
};
const admissions = new Admissions(context, filterFactories());

const caller: CallerFacts = {
  identity: "spiffe://mesh/ns/web/sa/front",
  address: "10.1.2.3",
  addressPort: 40_000,
  isTls: true,
  serverName: "",
  port: 8080,
  service: "shop/orders",
  destination: "shop/orders-1",
};

// ---- what is asked

/** As a proxy gets of a mesh with a thousand policies: the ten that are about its port. */
function tenPolicies(): PolicyInit[] {
  return Array.from({ length: 10 }, (_, index): PolicyInit => {
    const isLast = index === 9;
    return {
      source: { kind: "AuthorizationPolicy", namespace: "shop", name: `p-${index}` },
      action: isLast ? AuthorizationAction.ALLOW : AuthorizationAction.DENY,
      level: AuthorizationLevel.WORKLOAD,
      rules: [
        isLast
          ? { from: [{ namespaces: ["web"] }], to: [{ methods: ["GET"], paths: ["/orders/*"] }] }
          : { to: [{ methods: ["DELETE"], paths: [`/admin-${index}/*`] }] },
      ],
    };
  });
}

function callerPolicies(): PolicyInit[] {
  return tenPolicies().map((policy, index) => ({
    ...policy,
    rules: [{ from: [{ namespaces: [index === 9 ? "web" : `other-${index}`] }] }],
  }));
}

const key = signingKey("RS256");
const nowSeconds = Math.floor(Date.now() / 1000);
const tokens = Array.from({ length: 100 }, (_, i) =>
  tokenOf(key, goodClaims({ sub: `user-${i}`, email: `user-${i}@example.org`, exp: nowSeconds + 3_600 })),
);
const claimHeader = (header: string, claim: string): ClaimHeader => ({
  $typeName: "weft.model.v1.ClaimHeader",
  header,
  claim: [claim],
});
const jwt = authentication([
  provider(jwksOf(key), { claimHeaders: [claimHeader("x-user", "sub"), claimHeader("x-mail", "email")] }),
]);

function limit(keys: LimitInit["keys"], more: Partial<LimitInit> = {}): LimitInit {
  const source = { kind: "RateLimitPolicy", namespace: "shop", name: "calm", section: "limits[0]" };
  return {
    source,
    scope: RateLimitScope.LOCAL,
    requests: 1_000_000_000n,
    periodMs: 1_000,
    keys: keys ?? [],
    ...more,
  };
}

const byAddress: LimitInit["keys"] = [{ name: "address", value: { case: "remoteAddress", value: true } }];
const byIdentity: LimitInit["keys"] = [{ name: "identity", value: { case: "sourceIdentity", value: true } }];
const byPath: LimitInit["keys"] = [{ name: "path", value: { case: "path", value: true } }];
const hidesHeaders = { hidesHeaders: true };

const cases: readonly (readonly [
  name: string,
  admission: MessageInitShape<typeof AdmissionSchema> | undefined,
])[] = [
  ["nothing: what every door with policies costs", undefined],
  ["authorization, 10 policies that apply", { authorization: { policies: tenPolicies() } }],
  ["authorization, 10 policies of callers alone", { authorization: { policies: callerPolicies() } }],
  ["a token that is known, two claims in headers", { jwt }],
  ["a local limit for all", { rateLimits: [limit([])] }],
  ["a local limit for all, without headers", { rateLimits: [limit([], hidesHeaders)] }],
  ["a local limit by identity", { rateLimits: [limit(byIdentity)] }],
  ["a local limit by address", { rateLimits: [limit(byAddress)] }],
  ["a local limit by path", { rateLimits: [limit(byPath)] }],
  ["all three", { jwt, authorization: { policies: tenPolicies() }, rateLimits: [limit(byAddress)] }],
];

// ---- how it is measured

function headOf(index: number): RequestHead {
  const fields = Array.from({ length: 9 }, (_, i) => `x-some-field-${i}: some value of it\r\n`).join("");
  const text = `GET /orders/7 HTTP/1.1\r\nhost: api.shop.test\r\n${fields}authorization: Bearer ${tokens[index % 100]}\r\n\r\n`;
  const heads: RequestHead[] = [];
  const parser = new RequestParser({
    onHead: (head) => void heads.push(head),
    onBody() {},
    onMessageEnd() {},
    onError: (reason) => {
      throw new Error(reason);
    },
  });
  parser.push(Buffer.from(text, "latin1"));
  const [head] = heads;
  if (head === undefined) throw new Error("no head");
  return head;
}

const host = { clock: systemClock, policies: counters };
let admitted = 0;

/** As an exchange runs them, without an exchange. */
class Run extends AdmissionRun {
  readonly remoteAddress: string;
  readonly body = undefined;
  readonly #onDone: () => void;

  constructor(asked: AskedFirst, facts: RequestFacts, remoteAddress: string, onDone: () => void) {
    super(host, asked, facts);
    this.remoteAddress = remoteAddress;
    this.#onDone = onDone;
  }

  protected onAdmitted(): void {
    this.#onDone();
  }

  protected onNotAdmitted({ detail }: { readonly detail: string }): never {
    throw new Error(detail);
  }

  protected onBodyWanted(): void {}
}

const count = (): void => void admitted++;

/** As connections hold them: made once for each. */
const addresses = Array.from({ length: 250 }, (_, i) => ["203.0.113", i].join("."));

function ask(head: RequestHead, asked: AskedFirst, address: string): void {
  new Run(asked, new RequestFacts(head, "http", "id"), address, count).start();
}

function filtersOf(init: MessageInitShape<typeof AdmissionSchema> | undefined): readonly RequestFilter[] {
  const admission: Admission = create(AdmissionSchema, init ?? {});
  const inbound = create(InboundSchema, { workload: "shop/orders-1", admissions: [admission] });
  const mesh = create(MeshSchema, { trustDomain: "mesh" });
  admissions.applySnapshot(fakeSnapshot({ mesh, inbound }));
  return admissions.chainOf(admission).filters;
}

function cpuNs(): number {
  // Of this process: other programs on the machine do not count.
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

function round(asked: AskedFirst): number {
  let spentNs = 0;
  for (let batch = 0; batch < batches; batch++) {
    const heads = Array.from({ length: batchSize }, (_, i) => headOf(i + batch));
    const startNs = cpuNs();
    for (let i = 0; i < batchSize; i++) {
      const head = heads[i];
      if (head !== undefined) ask(head, asked, addresses[(i * 7 + batch) % addresses.length] ?? "");
    }
    spentNs += cpuNs() - startNs;
  }
  return spentNs / (batches * batchSize);
}

async function warmTokens(asked: AskedFirst): Promise<void> {
  for (let i = 0; i < 100; i++) {
    await new Promise<void>((resolve) => {
      new Run(asked, new RequestFacts(headOf(i), "http", "id"), caller.address, resolve).start();
    });
  }
}

async function measure(name: string): Promise<void> {
  const found = cases.find(([each]) => each === name);
  if (found === undefined) throw new Error(`there is no case ${name}`);
  const asked: AskedFirst = { caller, filters: filtersOf(found[1]) };
  await warmTokens(asked);
  for (let i = 0; i < warmUpRounds; i++) round(asked);
  const figures = Array.from({ length: rounds }, () => round(asked)).toSorted((a, b) => a - b);
  const [best = 0, median = 0] = [figures[0], figures[rounds / 2]].map((ns) => Math.round(ns ?? 0));
  console.log(`${name}: ${best} ns in the best round, ${median} ns in the median`);
  if (admitted === 0) throw new Error("nothing was measured");
}

const [only] = process.argv.slice(2);
if (only !== undefined) await measure(only);
// Each in a process of its own: what ran before changes how fast the same code is.
else
  for (const [name] of cases)
    Bun.spawnSync([process.execPath, import.meta.path, name], { stdout: "inherit", stderr: "inherit" });
context.wheel.close();
admissions.close();
