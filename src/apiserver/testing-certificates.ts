/** For tests: certificates as an operator makes them, with openssl, in a folder of the test's. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export class TestAuthority {
  readonly directory: string;
  readonly pem: string;

  constructor(directory: string) {
    this.directory = directory;
    const files = ["-keyout", this.#file("ca.key"), "-out", this.#file("ca.pem")];
    this.#openssl("req", "-x509", ...newKey, ...files, "-subj", "/CN=test authority", "-days", "2");
    this.pem = readFileSync(this.#file("ca.pem"), "utf8");
  }

  /** `subject` as openssl takes it: `/O=dev/CN=ann`. */
  issue(name: string, subject: string, extensions: readonly string[], days = 1): Pair {
    this.#openssl(
      "req",
      ...newKey,
      "-keyout",
      this.#file(`${name}.key`),
      "-out",
      this.#file(`${name}.csr`),
      "-subj",
      subject,
    );
    writeFileSync(this.#file(`${name}.ext`), `${extensions.join("\n")}\n`);
    const ca = ["-CA", this.#file("ca.pem"), "-CAkey", this.#file("ca.key"), "-CAcreateserial"];
    // Below 0: it has ended before it began.
    const when = ["-days", String(days)];
    const files = ["-in", this.#file(`${name}.csr`), "-out", this.#file(`${name}.pem`)];
    this.#openssl("x509", "-req", ...files, ...ca, ...when, "-extfile", this.#file(`${name}.ext`));
    return {
      cert: readFileSync(this.#file(`${name}.pem`), "utf8"),
      key: readFileSync(this.#file(`${name}.key`), "utf8"),
    };
  }

  server(): Pair {
    return this.issue("server", "/CN=mesh", [
      "subjectAltName=DNS:mesh.test,DNS:localhost,IP:127.0.0.1",
      "extendedKeyUsage=serverAuth",
    ]);
  }

  #file(name: string): string {
    return join(this.directory, name);
  }

  #openssl(...args: string[]): void {
    const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args]);
    if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr.toString()}`);
  }
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
