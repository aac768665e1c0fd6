/**
 * `npm run bench:issuing [-- ROUNDS]`: certificates that a control plane issues in a second of one core: to new workloads, each with
 * a join token of its own, and to workloads that renew over a connection they have. From the bytes of the request to the bytes of the
 * response, with all that is written to the disk; workloads' keys are theirs and made before the clock runs.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CertificateAuthority,
  CertificateLedger,
  certificatesService,
  JoinTokens,
} from "../../src/identity/index.ts";
import { generateKeyAndCsr } from "../../src/identity/x509/index.ts";
import { createLog, formatSpiffeId, systemClock } from "../../src/kernel/index.ts";
import { IssueRequestSchema, IssueResponseSchema } from "../../src/wire/index.ts";

type Call = Parameters<ReturnType<typeof certificatesService>["issue"]>[1];

const rounds = Number(process.argv[2] ?? 10);
const certificatesPerRound = 250;
const trustDomain = "bench.weft";
const subject = { namespace: "shop", serviceAccount: "reviews" };

const directory = mkdtempSync(join(tmpdir(), "weft-issuing-"));
const authority = CertificateAuthority.open(join(directory, "ca"), { trustDomain });
const tokens = JoinTokens.open(join(directory, "join-tokens"));
const ledger = CertificateLedger.open(join(directory, "certificates.sqlite"));
let logged = 0;
const log = createLog({ format: "json", level: "info", write: (line) => void (logged += line.length) });
const service = certificatesService({ authority, tokens, ledger, clock: systemClock, log });

function newcomer(): Call {
  const token = tokens.create({ ...subject, ttlMs: 60_000 });
  return { peer: undefined, metadata: new Map([["authorization", `Bearer ${token}`]]) };
}

const renewing: Call = {
  peer: {
    der: new Uint8Array(),
    uriSans: [formatSpiffeId({ trustDomain, ...subject })],
    notAfterMs: Date.now() + 3_600_000,
  },
  metadata: new Map(),
};

interface Figures {
  readonly cpuUs: number;
  readonly wallUs: number;
}

async function round(callOf: () => Call): Promise<Figures> {
  const asked = Array.from({ length: certificatesPerRound }, (_, index) => {
    const request = create(IssueRequestSchema, {
      workload: `shop/reviews-${index}`,
      csr: Uint8Array.from(generateKeyAndCsr().csrDer),
    });
    return { bytes: toBinary(IssueRequestSchema, request), call: callOf() };
  });
  const [startUs, start] = [systemClock.monotonicUs(), process.cpuUsage()];
  for (const { bytes, call } of asked) {
    const response = await service.issue(fromBinary(IssueRequestSchema, bytes), call);
    if (toBinary(IssueResponseSchema, response).length < 1_000) throw new Error("no certificate");
  }
  const { user, system } = process.cpuUsage(start);
  const wallUs = systemClock.monotonicUs() - startUs;
  return { cpuUs: (user + system) / certificatesPerRound, wallUs: wallUs / certificatesPerRound };
}

async function measure(name: string, callOf: () => Call): Promise<void> {
  await round(callOf);
  const figures: Figures[] = [];
  for (let i = 0; i < rounds; i++) figures.push(await round(callOf));
  const medianOf = (figure: keyof Figures): number =>
    figures.map((each) => each[figure]).toSorted((a, b) => a - b)[rounds >> 1] ?? 0;
  const [cpuUs, wallUs] = [medianOf("cpuUs"), medianOf("wallUs")];
  console.log(
    `${name}: ${Math.round(cpuUs)} µs of CPU each, so ${Math.floor(1e6 / cpuUs)} in a second of one core; one after another ${Math.floor(1e6 / wallUs)} a second, disk included`,
  );
}

try {
  await measure("new workloads, a join token each", newcomer);
  await measure("renewals", () => renewing);
  if (logged === 0) throw new Error("nothing was logged");
} finally {
  authority.close();
  tokens.close();
  ledger.close();
  rmSync(directory, { recursive: true, force: true });
}
