/** CAs that openssl made: used as they are, refused with all that is wrong with them, and read again when their files change. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../kernel/index.ts";
import { CertificateAuthority } from "./certificate-authority.ts";
import { certificateNumber, generateKeyAndCsr, RevokedSet, verifyChain } from "./x509/index.ts";

let directory: string;
let clock: VirtualClock;
const authorities: CertificateAuthority[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-plugged-"));
  // Ahead of openssl, which makes its certificates valid from the moment at which it makes them.
  clock = new VirtualClock(Date.now() + 30_000);
});
afterEach(() => {
  for (const authority of authorities.splice(0)) authority.close();
  rmSync(directory, { recursive: true, force: true });
});

const at = (name: string): string => join(directory, name);

function openssl(...args: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args], { cwd: directory });
  if (exitCode !== 0) throw new Error(stderr.toString());
}

const caExtensions = [
  "basicConstraints=critical,CA:TRUE,pathlen:PATH",
  "keyUsage=critical,keyCertSign,cRLSign",
  "subjectKeyIdentifier=hash",
].join("\n");

function makeRoot(name: string, key = "ec:P-256"): void {
  makeKey(name, key);
  const extensions = caExtensions.replace("PATH", "1").split("\n");
  const added = extensions.flatMap((line) => ["-addext", line]);
  const command = [
    "req",
    "-x509",
    "-new",
    "-key",
    `${name}.key`,
    "-subj",
    `/O=Example/CN=${name}`,
    "-days",
    "30",
  ];
  openssl(...command, "-config", emptyConfig(), ...added, "-out", `${name}.pem`);
}

function emptyConfig(): string {
  writeFileSync(at("empty.cnf"), "[req]\ndistinguished_name=dn\n[dn]\n");
  return "empty.cnf";
}

function makeKey(name: string, key: string): void {
  if (key.startsWith("rsa")) openssl("genrsa", "-out", `${name}.key`, key.slice(4));
  else
    openssl(
      "genpkey",
      "-algorithm",
      "EC",
      "-pkeyopt",
      `ec_paramgen_curve:${key.slice(3)}`,
      "-out",
      `${name}.key`,
    );
  chmodSync(at(`${name}.key`), 0o600);
}

/** "days": how long it lasts. */
function makeIntermediate(
  name: string,
  root: string,
  options: { key?: string; ca?: boolean; days?: string } = {},
): void {
  const { key = "ec:P-256", ca = true, days = "20" } = options;
  makeKey(name, key);
  openssl(
    "req",
    "-new",
    "-key",
    `${name}.key`,
    "-subj",
    `/O=Example/CN=${name}`,
    "-config",
    emptyConfig(),
    "-out",
    `${name}.csr`,
  );
  writeFileSync(at("ext.cnf"), ca ? caExtensions.replace("PATH", "0") : "basicConstraints=CA:FALSE");
  const signing = ["-CA", `${root}.pem`, "-CAkey", `${root}.key`, "-CAcreateserial", "-extfile", "ext.cnf"];
  openssl("x509", "-req", "-in", `${name}.csr`, ...signing, "-days", days, "-out", `${name}.pem`);
}

function plug(
  files: { cert: string; key: string; root?: string; crl?: string },
  options: { passphrase?: string; trustDomain?: string } = { trustDomain: "a.weft" },
): CertificateAuthority {
  const authority = CertificateAuthority.open(at("ca"), {
    clock,
    ...options,
    plugged: {
      certificateFile: at(files.cert),
      keyFile: at(files.key),
      rootFile: files.root === undefined ? undefined : at(files.root),
      crlFile: files.crl === undefined ? undefined : at(files.crl),
    },
  });
  authorities.push(authority);
  return authority;
}

const id = { trustDomain: "a.weft", namespace: "shop", serviceAccount: "web" };

/** Issues, and has openssl check the chain as a peer would. */
function check(authority: CertificateAuthority, rootFile: string): void {
  const { chain } = authority.issue(generateKeyAndCsr().csrDer, id);
  expect(verifyChain({ chain, roots: authority.trustRoots(), nowMs: clock.nowMs() })).toBeUndefined();
  for (const [index, der] of chain.entries()) {
    writeFileSync(at(`leaf-${index}.der`), der);
    openssl("x509", "-inform", "der", "-in", `leaf-${index}.der`, "-out", `leaf-${index}.pem`);
  }
  const untrusted = chain.slice(1).flatMap((_, index) => ["-untrusted", `leaf-${index + 1}.pem`]);
  openssl("verify", "-purpose", "sslclient", "-x509_strict", "-CAfile", rootFile, ...untrusted, "leaf-0.pem");
}

describe("a CA that is plugged in", () => {
  test.each(["ec:P-256", "ec:P-384", "rsa:2048"])("may be a root with a key of kind %s", (key) => {
    makeRoot("root", key);
    check(plug({ cert: "root.pem", key: "root.key" }), "root.pem");
  });

  test.each(["ec:P-256", "rsa:2048"])("may be an intermediate with a key of kind %s", (key) => {
    makeRoot("root", key);
    makeIntermediate("sub", "root", { key });
    check(plug({ cert: "sub.pem", key: "sub.key", root: "root.pem" }), "root.pem");
  });

  test("may have its key encrypted", () => {
    makeRoot("root");
    openssl("pkcs8", "-topk8", "-in", "root.key", "-passout", "pass:a long passphrase", "-out", "locked.key");
    chmodSync(at("locked.key"), 0o600);
    const passphrase = "a long passphrase";
    check(plug({ cert: "root.pem", key: "locked.key" }, { passphrase, trustDomain: "a.weft" }), "root.pem");
    expect(() => plug({ cert: "root.pem", key: "locked.key" })).toThrow("does not open");
  });

  test("has its root changed by its files, not by us", () => {
    makeRoot("root");
    expect(() => plug({ cert: "root.pem", key: "root.key" }).rotation.start()).toThrow("made elsewhere");
  });

  test("is read again when its files change, and stays as it was when they are broken", () => {
    makeRoot("one");
    makeRoot("two");
    makeIntermediate("sub-one", "one");
    makeIntermediate("sub-two", "two");
    for (const kind of ["pem", "key"]) copyFileSync(at(`sub-one.${kind}`), at(`sub.${kind}`));
    copyFileSync(at("one.pem"), at("roots.pem"));
    const authority = plug({ cert: "sub.pem", key: "sub.key", root: "roots.pem" });
    const first = authority.trust.issuing;
    let changes = 0;
    authority.onChange(() => changes++);
    writeFileSync(at("roots.pem"), readFileSync(at("one.pem"), "utf8") + readFileSync(at("two.pem"), "utf8"));
    clock.advance(5_000);
    expect([authority.trustRoots().length, authority.trust.issuing, changes]).toEqual([2, first, 1]);
    copyFileSync(at("sub-two.pem"), at("sub.pem"));
    clock.advance(5_000);
    expect([authority.trust.issuing, changes]).toEqual([first, 1]);
    copyFileSync(at("sub-two.key"), at("sub.key"));
    clock.advance(5_000);
    expect(authority.trust.issuing).not.toBe(first);
    check(authority, "two.pem");
  });
});

describe("files that cannot be used are refused with what is wrong", () => {
  beforeEach(() => {
    makeRoot("root");
    makeRoot("other");
    makeIntermediate("sub", "root");
  });
  const files = (changes: Partial<Parameters<typeof plug>[0]> = {}) => ({
    ...{ cert: "sub.pem", key: "sub.key", root: "root.pem" },
    ...changes,
  });

  test.each<[string, () => Parameters<typeof plug>[0], RegExp]>([
    ["a missing file", () => files({ cert: "gone.pem" }), /gone\.pem cannot be read.*holds no certificate/],
    ["a key of another certificate", () => files({ key: "other.key" }), /not that of the certificate/],
    ["no root", () => ({ cert: "sub.pem", key: "sub.key" }), /is not a root: give the root above it/],
    ["another root", () => files({ root: "other.pem" }), /does not lead to a root/],
    ["a certificate in the place of the key", () => files({ key: "sub.pem" }), /no private key in PEM/],
    [
      "no CA",
      () => {
        makeIntermediate("leaf", "root", { ca: false });
        return files({ cert: "leaf.pem", key: "leaf.key" });
      },
      /is no CA's/,
    ],
    [
      "an expired one",
      () => {
        clock.advance(25 * 86_400_000);
        return files();
      },
      /is expired since/,
    ],
    [
      "a key that others can read",
      () => {
        chmodSync(at("sub.key"), 0o644);
        return files();
      },
      /can be read by others/,
    ],
    [
      "a weak key",
      () => {
        makeRoot("weak", "rsa:1024");
        return { cert: "weak.pem", key: "weak.key" };
      },
      /at least 2048 bits/,
    ],
    ["a revocation list of somebody else", () => files({ crl: "other.pem" }), /no revocation list/],
  ])("%s", (_, make, message) => {
    const made = make();
    expect(() => plug(made)).toThrow(message);
  });

  test("several things at once are all told", () => {
    expect(() => plug(files({ key: "other.key", root: "gone.pem" }))).toThrow(/gone\.pem.*is not that of/);
  });

  test("no trust domain", () => {
    expect(() => plug(files(), {})).toThrow("names no trust domain");
  });
});

test.each(["PEM", "DER"])("what the CA has revoked in a list in %s is refused, and nothing else", (form) => {
  makeRoot("root");
  makeIntermediate("sub", "root");
  makeIntermediate("spared", "root");
  writeFileSync(at("index.txt"), "");
  writeFileSync(at("crlnumber"), "01\n");
  writeFileSync(
    at("ca.cnf"),
    "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=7\n",
  );
  const signer = ["-config", "ca.cnf", "-cert", "root.pem", "-keyfile", "root.key"];
  openssl("ca", ...signer, "-revoke", "sub.pem");
  openssl("ca", ...signer, "-gencrl", "-out", "list.pem");
  openssl("crl", "-in", "list.pem", "-outform", form, "-out", "list");
  const authority = plug({ cert: "root.pem", key: "root.key", crl: "list" });
  const revoked = RevokedSet.of(authority.revoked);
  const has = (name: string): boolean => {
    openssl("x509", "-in", `${name}.pem`, "-outform", "der", "-out", `${name}.der`);
    return revoked.has(new Uint8Array(readFileSync(at(`${name}.der`))));
  };
  expect([has("sub"), has("spared"), has("root")]).toEqual([true, false, false]);
  expect(certificateNumber(new Uint8Array(readFileSync(at("sub.der"))))).toEqual(authority.revoked[0]);
  makeRoot("other");
  openssl(
    "ca",
    "-config",
    "ca.cnf",
    "-cert",
    "other.pem",
    "-keyfile",
    "other.key",
    "-gencrl",
    "-out",
    "foreign.pem",
  );
  expect(() => plug({ cert: "root.pem", key: "root.key", crl: "foreign.pem" })).toThrow(
    "not plugged in here",
  );
});

describe("a passphrase", () => {
  const passphrase = "correct horse battery";
  const open = (options: { passphrase?: string } = {}): CertificateAuthority => {
    const authority = CertificateAuthority.open(at("ca"), { clock, ...options });
    authorities.push(authority);
    return authority;
  };

  test("encrypts keys that were not, and openssl opens them with it", () => {
    const before = open().trustRoots();
    expect(open({ passphrase }).trustRoots()).toEqual(before);
    for (const name of ["root.pem", "intermediate.pem"]) {
      const pem = readFileSync(at(`ca/${name}`), "utf8");
      expect(pem).toContain("ENCRYPTED PRIVATE KEY");
      expect(pem).not.toContain("BEGIN PRIVATE KEY");
      expect(statSync(at(`ca/${name}`)).mode & 0o777).toBe(0o600);
      openssl("pkey", "-in", `ca/${name}`, "-passin", `pass:${passphrase}`, "-noout");
    }
    expect(open({ passphrase }).trustRoots()).toEqual(before);
  });

  test("is needed from then on, and must be the same", () => {
    open({ passphrase });
    expect(() => open()).toThrow("is encrypted");
    expect(() => open({ passphrase: "another long one" })).toThrow("does not open");
  });

  test("holds for the root that a rotation makes too", () => {
    const authority = open({ passphrase });
    authority.rotation.start();
    for (let i = 0; i < 3; i++) authority.rotation.advance();
    expect(open({ passphrase }).trust.issuing).toBe(authority.trust.issuing);
    expect(() => open()).toThrow("is encrypted");
  });
});
