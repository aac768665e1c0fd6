/** Who gets which certificate: by token once, by a proven connection, and everybody who does not. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { VirtualClock } from "../kernel/index.ts";
import { AttestationSchema, type IssueRequest, IssueRequestSchema } from "../wire/index.ts";
import type { AttestationRefusal, AttestedSubject } from "./attestation/attestor.ts";
import { ProcessTickets } from "./attestation/process-tickets.ts";
import { CertificateAuthority } from "./certificate-authority.ts";
import {
  type CertificatesCall,
  type CertificatesService,
  certificatesService,
} from "./certificates-service.ts";
import { JoinTokens } from "./join-tokens.ts";
import { describeCertificate, generateKeyAndCsr } from "./x509/index.ts";

let directory = "";
let clock = new VirtualClock();
let authority: CertificateAuthority;
let tokens: JoinTokens;
let service: CertificatesService;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-certificates-"));
  clock = new VirtualClock();
  authority = CertificateAuthority.open(join(directory, "ca"), { clock, trustDomain: "mesh.weft" });
  tokens = JoinTokens.open(join(directory, "join-tokens"), clock);
  service = certificatesService({ authority, tokens, clock });
});
afterEach(() => {
  tokens.close();
  rmSync(directory, { recursive: true, force: true });
});

const request = (workload: string, csr: Uint8Array = generateKeyAndCsr().csrDer): IssueRequest =>
  create(IssueRequestSchema, { workload, csr: Uint8Array.from(csr) });
const withToken = (token: string): CertificatesCall => ({
  peer: undefined,
  metadata: new Map([["authorization", `Bearer ${token}`]]),
});
const withPeer = (...uriSans: string[]): CertificatesCall => ({
  peer: { der: new Uint8Array(), uriSans, notAfterMs: clock.nowMs() + 1000 },
  metadata: new Map(),
});
const newToken = (): string => tokens.create({ namespace: "shop", serviceAccount: "reviews", ttlMs: 60_000 });
const id = "spiffe://mesh.weft/ns/shop/sa/reviews";

describe("a first certificate", () => {
  test("is issued for the token's identity, once", async () => {
    const token = newToken();
    const response = await service.issue(request("shop/reviews-1"), withToken(token));
    expect(response.identity).toBe(id);
    expect(describeCertificate(response.chain[0] ?? new Uint8Array())?.uriSans).toEqual([id]);
    expect(response.trustRoots).toEqual(authority.trustRoots());
    expect(Number(response.notAfterUnixMs)).toBe(clock.nowMs() + 86_400_000);
    await expect(service.issue(request("shop/reviews-1"), withToken(token))).rejects.toThrow("used before");
  });

  test("is refused for a workload of another namespace than the token's", async () => {
    await expect(service.issue(request("bank/reviews-1"), withToken(newToken()))).rejects.toHaveProperty(
      "code",
      "forbidden",
    );
  });

  test("costs no token when the request cannot be signed", async () => {
    const token = newToken();
    const broken = request("shop/reviews-1", Uint8Array.of(1, 2, 3));
    await expect(service.issue(broken, withToken(token))).rejects.toHaveProperty("code", "bad_input");
    await expect(service.issue(request("reviews-1"), withToken(token))).rejects.toHaveProperty(
      "code",
      "bad_input",
    );
    expect((await service.issue(request("shop/reviews-1"), withToken(token))).identity).toBe(id);
  });

  test("is issued for a process ticket, once and in its minute, where there is a socket that gives them", async () => {
    const processTickets = new ProcessTickets(clock);
    const refusals: string[] = [];
    const withSocket = certificatesService({
      ...{ authority, tokens, processTickets, clock },
      onAttestationRefused: (...refusal) => void refusals.push(refusal.join(" ")),
    });
    const nobody: CertificatesCall = { peer: undefined, metadata: new Map() };
    const ask = (by: CertificatesService, workload: string, value: string): Promise<unknown> => {
      const attestation = create(AttestationSchema, { proof: { case: "processTicket", value } });
      return by.issue({ ...request(workload), attestation }, nobody);
    };
    const newTicket = (): string =>
      processTickets.issue({ namespace: "shop", serviceAccount: "reviews" }) ?? "";
    const ticket = newTicket();
    await expect(ask(service, "shop/reviews-1", ticket)).rejects.toThrow("not taken here");
    expect(await ask(withSocket, "shop/reviews-1", ticket)).toHaveProperty("identity", id);
    await expect(ask(withSocket, "shop/reviews-1", ticket)).rejects.toThrow("used before");
    await expect(ask(withSocket, "bank/reviews-1", newTicket())).rejects.toHaveProperty("code", "forbidden");
    const late = newTicket();
    clock.advance(60_000);
    await expect(ask(withSocket, "shop/reviews-1", late)).rejects.toThrow("expired");
    await expect(ask(withSocket, "shop/reviews-1", newToken())).rejects.toThrow("not known");
    await expect(withSocket.issue(request("shop/reviews-1"), withToken(newTicket()))).rejects.toThrow(
      "not known",
    );
    expect(refusals).toEqual([
      "process_ticket replayed",
      "process_ticket expired",
      "process_ticket untrusted",
      "join_token untrusted",
    ]);
  });

  test("is refused without any proof, and with a token that is none even over a proven connection", async () => {
    const none = { peer: undefined, metadata: new Map<string, string>() };
    await expect(service.issue(request("shop/reviews-1"), none)).rejects.toHaveProperty(
      "code",
      "unauthenticated",
    );
    const both = { ...withPeer(id), metadata: new Map([["authorization", "Bearer nonsense"]]) };
    await expect(service.issue(request("shop/reviews-1"), both)).rejects.toHaveProperty(
      "code",
      "unauthenticated",
    );
    const basic = { peer: undefined, metadata: new Map([["authorization", "Basic abc"]]) };
    await expect(service.issue(request("shop/reviews-1"), basic)).rejects.toHaveProperty(
      "code",
      "unauthenticated",
    );
  });
});

describe("a renewal", () => {
  test("gives the connection's own identity", async () => {
    expect((await service.issue(request("shop/reviews-1"), withPeer(id))).identity).toBe(id);
  });

  test.each([
    ["another trust domain", ["spiffe://other.weft/ns/shop/sa/reviews"]],
    ["two names", ["spiffe://mesh.weft/ns/shop/sa/reviews", "spiffe://mesh.weft/ns/shop/sa/x"]],
    ["no name", []],
    ["another namespace", ["spiffe://mesh.weft/ns/bank/sa/reviews"]],
  ])("over a certificate with %s is refused", async (_, uriSans) => {
    await expect(service.issue(request("shop/reviews-1"), withPeer(...uriSans))).rejects.toHaveProperty(
      "code",
      "forbidden",
    );
  });

  test("over a connection that outlived its certificate is refused", async () => {
    const call = withPeer(id);
    clock.advance(1000);
    await expect(service.issue(request("shop/reviews-1"), call)).rejects.toHaveProperty(
      "code",
      "unauthenticated",
    );
  });
});

describe("an attestation", () => {
  const attested = (csr = generateKeyAndCsr().csrDer): IssueRequest =>
    create(IssueRequestSchema, {
      workload: "shop/reviews-1",
      csr: Uint8Array.from(csr),
      attestation: { proof: { case: "serviceAccountToken", value: "a.b.c" } },
    });
  const none = { peer: undefined, metadata: new Map<string, string>() };
  const serviceAnswering = (answer: AttestedSubject | AttestationRefusal, refused: string[] = []) =>
    certificatesService({
      ...{ authority, tokens, clock },
      serviceAccountTokens: { name: "test", attest: async () => answer },
      onAttestationRefused: (attestor, refusal) => void refused.push(`${attestor} ${refusal}`),
    });

  test("that holds gets the certificate of whom it names, and of nobody in another namespace", async () => {
    const subject = { namespace: "shop", serviceAccount: "reviews" };
    expect((await serviceAnswering(subject).issue(attested(), none)).identity).toBe(id);
    const other = serviceAnswering({ ...subject, namespace: "bank" });
    expect(other.issue(attested(), none)).rejects.toThrow("namespace bank");
    const control = serviceAnswering({ namespace: "weft-system", serviceAccount: "control" });
    expect(control.issue(attested(), none)).rejects.toThrow("not handed out");
  });

  test("that does not is refused with its reason, and counted", async () => {
    const refused: string[] = [];
    const refusal = { refusal: "replayed", detail: "the token was used before" } as const;
    expect(serviceAnswering(refusal, refused).issue(attested(), none)).rejects.toThrow("used before");
    await Bun.sleep(0);
    expect(refused).toEqual(["test replayed"]);
  });

  test("where none is taken says so", () => {
    expect(service.issue(attested(), none)).rejects.toThrow("not taken here");
  });
});
