/** A TLS port as openssl sees it: which versions and suites it takes. Throws nothing of its own; `expect` says what is wrong. */
import { expect } from "bun:test";

/** Forward secrecy and authenticated encryption, and no others (RFC 9325 section 4.2). */
const goodSuites = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-RSA-CHACHA20-POLY1305",
];
const everySuite = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";
const noSuite = /Cipher is \(NONE\)|no protocols available|no cipher match/;

export interface ScannedPort {
  readonly port: number;
  readonly serverName: string;
}

export async function expectOnlyTls13(scanned: ScannedPort): Promise<void> {
  for (const version of ["-tls1", "-tls1_1", "-tls1_2"])
    expect(await sClient(scanned, [version, "-cipher", everySuite])).toMatch(noSuite);
  await expectGoodTls13(scanned);
}

/** 1.3, or 1.2 with good suites. */
export async function expectTls12OrNewer(scanned: ScannedPort): Promise<void> {
  for (const version of ["-tls1", "-tls1_1"])
    expect(await sClient(scanned, [version, "-cipher", everySuite])).toMatch(noSuite);
  const others = `${everySuite}:${goodSuites.map((suite) => `!${suite}`).join(":")}`;
  expect(await sClient(scanned, ["-tls1_2", "-cipher", others])).toMatch(noSuite);
  const good = await sClient(scanned, ["-tls1_2", "-cipher", goodSuites.join(":")]);
  expect(good).toMatch(/New, TLSv1\.2, Cipher is ECDHE-(RSA|ECDSA)-(AES(128|256)-GCM|CHACHA20)/);
  // Nothing that fails for a reason other than its suites is taken for refused.
  expect(await sClient(scanned, ["-tls1_2", "-cipher", everySuite])).toContain(
    "New, TLSv1.2, Cipher is ECDHE",
  );
  await expectGoodTls13(scanned);
}

async function expectGoodTls13(scanned: ScannedPort): Promise<void> {
  for (const suite of ["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"])
    expect(await sClient(scanned, ["-tls1_3", "-ciphersuites", suite])).toContain("Cipher is (NONE)");
  const text = await sClient(scanned, ["-tls1_3"]);
  expect(text).toMatch(/New, TLSv1\.3, Cipher is TLS_(AES_128_GCM|AES_256_GCM|CHACHA20)/);
}

export async function sClient(
  { port, serverName }: ScannedPort,
  options: readonly string[],
): Promise<string> {
  const child = Bun.spawn(
    ["openssl", "s_client", "-connect", `127.0.0.1:${port}`, "-servername", serverName, ...options],
    { stdin: new Blob([]), stdout: "pipe", stderr: "pipe" },
  );
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  return `${out}${err}`;
}
