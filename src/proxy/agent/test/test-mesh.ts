/** A certificate authority and a log for the agent's tests. */
import { generateKeyPairSync } from "node:crypto";
import { derToPem, encodeCertificate, type Issuer, parseCsr } from "../../../identity/x509/index.ts";
import { createLog, type Log } from "../../../kernel/index.ts";
import { type IssueResponse, IssueResponseSchema } from "../../../wire/index.ts";
import { create } from "@bufbuild/protobuf";

export class TestAuthority {
  readonly #issuer: Issuer;
  readonly rootDer: Uint8Array;
  readonly trustDomain: string;

  constructor(nowMs: number, trustDomain = "test.weft") {
    this.trustDomain = trustDomain;
    this.#issuer = { commonName: "test root", ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
    this.rootDer = encodeCertificate(
      {
        commonName: "test root",
        publicKey: this.#issuer.publicKey,
        uriSans: [`spiffe://${trustDomain}`],
        dnsSans: [],
        notBeforeMs: nowMs - 60_000,
        notAfterMs: nowMs + 3650 * 86_400_000,
        authority: { pathLength: 1 },
      },
      this.#issuer,
    );
  }

  get rootPem(): string {
    return derToPem(this.rootDer);
  }

  leaf(csrDer: Uint8Array, identity: string, nowMs: number, lifeMs: number): Uint8Array {
    return encodeCertificate(
      {
        commonName: "",
        publicKey: parseCsr(csrDer),
        uriSans: [identity],
        dnsSans: ["peer.weft.internal"],
        notBeforeMs: nowMs - 60_000,
        notAfterMs: nowMs + lifeMs,
      },
      this.#issuer,
    );
  }

  answer(csrDer: Uint8Array, identity: string, nowMs: number, lifeMs = 86_400_000): IssueResponse {
    return create(IssueResponseSchema, {
      chain: [Uint8Array.from(this.leaf(csrDer, identity, nowMs, lifeMs))],
      trustRoots: [Uint8Array.from(this.rootDer)],
      identity,
      notAfterUnixMs: BigInt(nowMs + lifeMs),
    });
  }
}

export function recordingLog(lines: string[]): Log {
  return createLog({ format: "text", level: "debug", write: (line) => void lines.push(line) });
}
