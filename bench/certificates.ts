/** Two identities of one mesh as PEM files, for peers that read theirs from disk. Made by weft's own CA. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CertificateAuthority } from "../src/identity/index.ts";
import { derToPem, generateKeyAndCsr } from "../src/identity/x509/index.ts";
import { formatSpiffeId } from "../src/kernel/index.ts";
import type { Bench } from "./processes.ts";

interface BenchIdentity {
  readonly identity: string;
  readonly chainFile: string;
  readonly keyFile: string;
  /** Both in one file. */
  readonly combinedFile: string;
}

export interface BenchCertificates {
  readonly rootFile: string;
  readonly client: BenchIdentity;
  readonly server: BenchIdentity;
}

export function benchCertificates(bench: Bench): BenchCertificates {
  const home = join(bench.directory, "certificates");
  mkdirSync(home, { recursive: true });
  const authority = CertificateAuthority.open(join(home, "ca"));
  const rootFile = join(home, "root.pem");
  const pem = (certificates: readonly Uint8Array[]): string =>
    certificates.map((der) => derToPem(der, "CERTIFICATE")).join("");
  writeFileSync(rootFile, pem(authority.trustRoots()));
  const identityOf = (name: string): BenchIdentity => {
    const { privateKeyPem, csrDer } = generateKeyAndCsr();
    const id = { trustDomain: authority.trustDomain, namespace: "default", serviceAccount: name };
    const chain = pem(authority.issue(csrDer, id).chain);
    const fileOf = (end: string): string => join(home, `${name}.${end}`);
    const [chainFile, keyFile, combinedFile] = [fileOf("pem"), fileOf("key"), fileOf("both.pem")] as const;
    writeFileSync(chainFile, chain);
    writeFileSync(keyFile, privateKeyPem, { mode: 0o600 });
    writeFileSync(combinedFile, chain + privateKeyPem, { mode: 0o600 });
    return { identity: formatSpiffeId(id), chainFile, keyFile, combinedFile };
  };
  return { rootFile, client: identityOf("client"), server: identityOf("server") };
}

export function base64Of(file: string): string {
  return readFileSync(file).toString("base64");
}
