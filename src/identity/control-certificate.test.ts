/** The control plane's own certificate: its names, its renewal, a real handshake with it. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, VirtualClock } from "../kernel/index.ts";
import { CertificateAuthority, peerDnsName } from "./certificate-authority.ts";
import { ControlCertificate } from "./control-certificate.ts";
import { describeCertificate, pemToDer } from "./x509/index.ts";

const hourMs = 3_600_000;
let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-control-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("the control plane's certificate names it and is replaced at half life", () => {
  const clock = new VirtualClock();
  const authority = CertificateAuthority.open(directory, { clock, trustDomain: "mesh.weft" });
  const control = new ControlCertificate({ authority, clock, log: silentLog });
  const first = control.identity;
  const leaf = describeCertificate(pemToDer(first.certChainPem)[0] ?? new Uint8Array());
  expect(leaf?.uriSans).toEqual(["spiffe://mesh.weft/ns/weft-system/sa/control"]);
  expect(leaf?.dnsSans).toEqual([peerDnsName]);
  clock.advance(12 * hourMs - 60_000);
  expect(control.identity).toBe(first);
  clock.advance(60_000);
  expect(control.identity).not.toBe(first);
  expect(control.identity.privateKeyPem).not.toBe(first.privateKeyPem);
  const second = control.identity;
  control.stop();
  clock.advance(48 * hourMs);
  expect(control.identity).toBe(second);
});

test("completes a mutual TLS 1.3 handshake that verifies chain and name", async () => {
  const authority = CertificateAuthority.open(directory, { trustDomain: "mesh.weft" });
  const { systemClock } = await import("../kernel/index.ts");
  const control = new ControlCertificate({ authority, clock: systemClock, log: silentLog });
  control.stop();
  const { certChainPem: cert, privateKeyPem: key, trustRootsPem: ca } = control.identity;
  const tls = { cert, key, ca, requestCert: true, rejectUnauthorized: true };
  const outcome = await new Promise<string>((resolve) => {
    const seen: string[] = [];
    const note = (text: string): void => {
      seen.push(text);
      if (seen.length === 2) resolve(seen.toSorted().join(" "));
    };
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      tls,
      socket: {
        data() {},
        handshake: (socket, _, error) => {
          note(`server:${error === null && socket.authorized}`);
          server.stop();
        },
      },
    });
    void Bun.connect({
      hostname: "127.0.0.1",
      port: server.port,
      tls: { ...tls, serverName: peerDnsName },
      socket: {
        data() {},
        handshake: (socket, _, error) => note(`client:${error === null && socket.authorized}`),
      },
    });
  });
  expect(outcome).toBe("client:true server:true");
});
