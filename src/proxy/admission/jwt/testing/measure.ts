/**
 * What a token costs: `bun src/proxy/admission/jwt/testing/measure.ts`. Warm: the request's bytes are parsed before the clock runs, so that
 * every token is a new string, as on the wire; the claims are set in two fields, and forged ones looked for among ten.
 */
import type { ClaimHeader } from "../../../../model/index.ts";
import { jwtFilter } from "../jwt-filter.ts";
import { ask, FakeExchange, type Field } from "./fake-exchange.ts";
import { authentication, goodClaims, jwksOf, provider, signingKey, tokenOf } from "./issuer.ts";

const requests = 50_000;
const rounds = 9;
/** Few enough that heads are in the cache, as they are when they were just parsed. */
const batchSize = 50;

function rss(): number {
  Bun.gc(true);
  return process.memoryUsage.rss() / 2 ** 20;
}

const key = signingKey("RS256");
const claimHeader = (header: string, claim: string): ClaimHeader => ({
  $typeName: "weft.model.v1.ClaimHeader",
  header,
  claim: [claim],
});
const model = authentication([
  provider(jwksOf(key), { claimHeaders: [claimHeader("x-user", "sub"), claimHeader("x-mail", "email")] }),
]);
const filter = jwtFilter(model, { metrics: { asked() {}, token() {} } });
const tokens = Array.from({ length: 100 }, (_, i) =>
  tokenOf(key, goodClaims({ sub: `user-${i}`, email: `user-${i}@example.org` })),
);
const fieldsOf = (token: string): Field[] => [
  ...Array.from({ length: 9 }, (_, i): Field => [`x-some-field-${i}`, "some value of it"]),
  ["authorization", `Bearer ${token}`],
];

const before = rss();
const [first = ""] = tokens;
const firstStart = performance.now();
await ask(filter, new FakeExchange({ fields: fieldsOf(first) }));
const firstMs = performance.now() - firstStart;
const after = rss();

const coldStart = performance.now();
for (const token of tokens.slice(1)) await ask(filter, new FakeExchange({ fields: fieldsOf(token) }));
const coldUs = ((performance.now() - coldStart) / (tokens.length - 1)) * 1000;

const figures: number[] = [];
for (let round = 0; round < rounds; round++) {
  let spentMs = 0;
  for (let batch = 0; batch < requests / batchSize; batch++) {
    const exchanges = Array.from(
      { length: batchSize },
      (_, i) => new FakeExchange({ fields: fieldsOf(tokens[i % 100] ?? "") }),
    );
    // Of this process: other programs on the machine do not count.
    const start = process.cpuUsage();
    for (const exchange of exchanges) {
      if (filter.start(exchange, () => {}) !== "continue") throw new Error("it was not warm");
    }
    const { user, system } = process.cpuUsage(start);
    spentMs += (user + system) / 1000;
  }
  figures.push((spentMs / requests) * 1000);
}
figures.sort((a, b) => a - b);
const median = figures[Math.floor(rounds / 2)] ?? 0;
console.log(
  JSON.stringify({
    tokenBytes: first.length,
    warmUs: Number(median.toFixed(2)),
    bestUs: Number((figures[0] ?? 0).toFixed(2)),
    coldUs: Number(coldUs.toFixed(0)),
    firstMs: Number(firstMs.toFixed(1)),
    joseMiB: Number((after - before).toFixed(1)),
  }),
);
