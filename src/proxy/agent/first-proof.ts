/** What a proxy without a certificate shows to get its first one: a token from a file, or a ticket from the machine's attestation socket. */
import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { type Clock, WeftError } from "../../kernel/index.ts";
import { type Attestation, AttestationSchema } from "../../wire/index.ts";
import { askForTicket } from "./process-ticket.ts";

export interface FirstProofOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly joinTokenFile: string | undefined;
  readonly serviceAccountTokenFile?: string | undefined;
  readonly attestationSocket?: string | undefined;
  readonly clock: Clock;
}

export interface FirstProof {
  readonly joinToken?: string;
  readonly attestation?: Attestation;
}

/** Tokens have about fifty characters; a wrong file must not be read into a header. */
const maxTokenLength = 512;
/** JWTs have one or two thousand. */
const maxAttestedTokenLength = 16_384;

/** The first of the three that is given. Rejects where it cannot be had. */
export async function readFirstProof(options: FirstProofOptions): Promise<FirstProof> {
  const { joinTokenFile, serviceAccountTokenFile, attestationSocket } = options;
  if (joinTokenFile !== undefined)
    return { joinToken: readToken(joinTokenFile, "join token", maxTokenLength) };
  if (serviceAccountTokenFile !== undefined) {
    const value = readToken(serviceAccountTokenFile, "service-account token", maxAttestedTokenLength);
    return { attestation: create(AttestationSchema, { proof: { case: "serviceAccountToken", value } }) };
  }
  if (attestationSocket !== undefined) {
    const value = await askForTicket(attestationSocket, options);
    return { attestation: create(AttestationSchema, { proof: { case: "processTicket", value } }) };
  }
  throw new WeftError("unauthenticated", "there is no valid certificate and no join token", {
    hint: "give the proxy a join token for its namespace and service account",
  });
}

/** Read each time: an operator, or the cluster, may have put a new one there. */
function readToken(path: string, what: string, maxLength: number): string {
  let token: string;
  try {
    token = readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new WeftError("io", `the ${what} in ${path} cannot be read`, { cause });
  }
  if (!/^[\x21-\x7e]+$/.test(token) || token.length > maxLength) {
    throw new WeftError("bad_input", `${path} holds no ${what}`);
  }
  return token;
}
