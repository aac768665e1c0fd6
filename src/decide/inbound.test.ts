/** Which connections a workload's own proxy takes. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import type { ReasonCode } from "../kernel/index.ts";
import { InboundSchema, MtlsMode } from "../model/index.ts";
import { admitInbound, type InboundAttempt, InboundTable } from "./inbound.ts";

const table = InboundTable.prepare(
  create(InboundSchema, {
    ports: [
      { port: 8080 },
      { port: 8081, mtls: MtlsMode.PERMISSIVE },
      { port: 8082, mtls: MtlsMode.DISABLED },
      { port: 8083, mtls: MtlsMode.STRICT },
    ],
  }),
  { trustDomain: "0a1b2c3d.weft", trustDomainAliases: ["old.weft"], addresses: ["10.77.0.5", "fd77::5"] },
);

const known = "spiffe://0a1b2c3d.weft/ns/default/sa/web";
const plaintext = undefined;

/** Description, peer identity, target port, target address; then the answer. */
const cases: [string, [string | undefined, number, string], ReasonCode | undefined][] = [
  ["a known peer on a declared port", [known, 8080, "10.77.0.5"], undefined],
  ["a peer of an alias domain", ["spiffe://old.weft/ns/default/sa/web", 8080, "10.77.0.5"], undefined],
  ["a known peer by the other family", [known, 8080, "fd77::5"], undefined],
  ["plaintext where nothing is said", [plaintext, 8080, "10.77.0.5"], "mtls_required"],
  ["plaintext where strict", [plaintext, 8083, "10.77.0.5"], "mtls_required"],
  ["plaintext where permissive", [plaintext, 8081, "10.77.0.5"], undefined],
  ["plaintext where disabled", [plaintext, 8082, "10.77.0.5"], undefined],
  ["a known peer where disabled", [known, 8082, "10.77.0.5"], undefined],
  [
    "a foreign trust domain",
    ["spiffe://other.weft/ns/default/sa/web", 8080, "10.77.0.5"],
    "peer_identity_invalid",
  ],
  [
    "a foreign trust domain where permissive",
    ["spiffe://other.weft/ns/a/sa/b", 8081, "10.77.0.5"],
    "peer_identity_invalid",
  ],
  ["no SPIFFE id", ["https://example.com", 8080, "10.77.0.5"], "peer_identity_invalid"],
  ["an empty identity is none", ["", 8081, "10.77.0.5"], "peer_identity_invalid"],
  ["an undeclared port", [known, 15020, "10.77.0.5"], "target_unknown"],
  ["another workload's address", [known, 8080, "10.77.0.6"], "target_unknown"],
  ["loopback", [known, 8080, "127.0.0.1"], "target_unknown"],
];

test.each(cases)("%s", (_, [peerIdentity, targetPort, targetAddress], expected) => {
  const attempt: InboundAttempt = { peerIdentity, targetPort, targetAddress };
  expect(admitInbound(table, attempt)).toBe(expected);
});

test("the workload's mode holds where a port has none of its own", () => {
  const permissive = InboundTable.prepare(
    create(InboundSchema, {
      mtls: MtlsMode.PERMISSIVE,
      ports: [{ port: 1 }, { port: 2, mtls: MtlsMode.STRICT }],
    }),
    { trustDomain: "a.weft", addresses: ["10.0.0.1"] },
  );
  expect(permissive.port(1)?.mtls).toBe("permissive");
  expect(permissive.port(2)?.mtls).toBe("strict");
});
