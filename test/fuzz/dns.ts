/** DNS under damage: queries of programs, answers of resolvers. */
import { parseIp } from "../../src/kernel/index.ts";
import { parseDnsAnswer } from "../../src/proxy/dns/dns-answer.ts";
import {
  dnsTypes,
  encodeDnsAnswer,
  encodeDnsQuery,
  parseDnsQuery,
  rcodes,
  truncateDnsAnswer,
} from "../../src/proxy/dns/dns-message.ts";
import { mustHold } from "./must-hold.ts";
import { mutate, type Random } from "./mutate.ts";

const name = "reviews.shop.example";
const maxAddresses = 32;
const given = { a: ["192.0.2.1", "192.0.2.2"], aaaa: ["2001:db8::1"] } as const;
/** More than a classic answer over UDP holds. */
const many = Array.from({ length: 40 }, (_, i) => `192.0.2.${i}`);

const queries = [dnsTypes.a, dnsTypes.aaaa, 16].map((type) => {
  const query = encodeDnsQuery(7, name, type);
  if (query === undefined) throw new Error("no query");
  return query;
});
const answers = queries.flatMap((bytes) => {
  const query = parseDnsQuery(bytes);
  if (query === undefined || "rcode" in query) throw new Error("no query");
  const addresses = query.type === dnsTypes.a ? given.a : given.aaaa;
  return [
    encodeDnsAnswer(query, { rcode: rcodes.ok, addresses, ttlSeconds: 30, maxBytes: 512 }),
    encodeDnsAnswer(query, { rcode: rcodes.nameError, addresses: [], ttlSeconds: 30, maxBytes: 512 }),
    throughAlias(query.question, query.type),
  ];
});

/** The question's name is another's, which has the addresses and stands behind it in a compressed form. */
function throughAlias(question: Uint8Array, type: number): Uint8Array {
  const header = [0, 7, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0];
  const alias = [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 7, 4, ...Buffer.from("edge"), 0xc0, 20];
  const size = type === dnsTypes.a ? 4 : 16;
  const owner = [0xc0, header.length + question.length + 12];
  const address = [...owner, 0, type, 0, 1, 0, 0, 0, 30, 0, size, ...Array<number>(size).fill(9)];
  return Uint8Array.of(...header, ...question, ...alias, ...address);
}

export const dnsTargets = { query, answer } as const;

/** What is taken for a query can be answered, and its answer is read as such. */
function query(random: Random, inputs: number): number {
  let valid = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(queries);
    const input = mutate(random, seed, random.pick(queries));
    const parsed = parseDnsQuery(input);
    if (parsed === undefined || "rcode" in parsed) continue;
    valid++;
    const addresses = parsed.type === dnsTypes.a ? many : given.aaaa;
    const maxBytes = parsed.maxUdpBytes;
    const bytes = encodeDnsAnswer(parsed, { rcode: rcodes.ok, addresses, ttlSeconds: 30, maxBytes });
    mustHold(bytes.length <= maxBytes, "longer than the client takes", input);
    const read = parseDnsAnswer(bytes, parsed);
    const isAsked = parsed.type === dnsTypes.a || parsed.type === dnsTypes.aaaa;
    // As many as are read of any answer, or as fit.
    const due = isAsked ? Math.min(addresses.length, maxAddresses) : 0;
    mustHold(
      read !== undefined &&
        (read.isTruncated || read.addresses.length === due) &&
        read.addresses.length <= due,
      "the answer is read otherwise",
      input,
    );
    const cut = parseDnsAnswer(truncateDnsAnswer(parsed, bytes), parsed);
    mustHold(cut?.isTruncated === true, "cut, and it does not say so", input);
  }
  return valid;
}

/** Bounded, and never an address that is not in the bytes. */
function answer(random: Random, inputs: number): number {
  let valid = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(answers);
    const input = mutate(random, seed, random.pick(answers));
    const type = random.pick([dnsTypes.a, dnsTypes.aaaa]);
    const read = parseDnsAnswer(input, { id: 7, name, type });
    if (read === undefined) continue;
    valid++;
    mustHold(read.addresses.length <= maxAddresses, "too many addresses", input);
    const written = Buffer.from(input);
    mustHold(
      read.addresses.every((address) => written.includes(parseIp(address) ?? "not an address")),
      "an address that nobody wrote",
      input,
    );
    mustHold(read.ttlSeconds === undefined || read.ttlSeconds >= 0, "a time before now", input);
  }
  return valid;
}
