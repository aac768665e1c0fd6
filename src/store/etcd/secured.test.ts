/** An etcd that shows a certificate, asks for one, and asks who its client is: what works, and what is said when something is wrong. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorLine } from "../../kernel/index.ts";
import { type EtcdCluster, findEtcd, startEtcd } from "./testing/etcd-server.ts";
import { openReplica } from "./testing/replica.ts";

const startTimeoutMs = 60_000;
const password = "a-password";

if (findEtcd() === undefined) {
  test.skip("etcd with TLS and users (needs etcd: node scripts/fetch-etcd.mjs)", () => {});
} else {
  describe("an etcd with TLS and users", () => {
    let folder = "";
    let etcd: EtcdCluster | undefined;
    let meshes = 0;
    const file = (name: string): string => join(folder, name);

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "weft-etcd-tls-"));
      for (const ca of ["ca", "other"]) makeAuthority(folder, ca);
      for (const name of ["server", "client"]) makeCertificate(folder, name);
      writeFileSync(file("password"), `${password}\n`, { mode: 0o600 });
      writeFileSync(file("wrong"), "another\n", { mode: 0o600 });
      etcd = await startEtcd({
        scheme: "https",
        flags: [
          ...["--cert-file", file("server.pem"), "--key-file", file("server.key")],
          ...["--client-cert-auth", "--trusted-ca-file", file("ca.pem")],
        ],
      });
      await askForUsers(etcd.members[0]?.port ?? 0, folder);
    }, startTimeoutMs);
    afterAll(async () => {
      await etcd?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    const parameters = (changed: Readonly<Record<string, string | undefined>> = {}): string => {
      const all = {
        "ca-file": file("ca.pem"),
        "cert-file": file("client.pem"),
        "key-file": file("client.key"),
        "password-file": file("password"),
        ...changed,
      };
      return Object.entries(all)
        .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
        .join("&");
    };
    const address = (query: string, user = "weft@"): string =>
      `${(etcd?.url ?? "").replace("etcd://", `etcds://${user}`)}/mesh-${meshes++}?${query}`;

    test("is a store like any other", async () => {
      const url = address(parameters());
      await using a = await openReplica(url, { replica: "a" });
      await using b = await openReplica(url, { replica: "b" });
      await a.store.commit(
        [{ type: "put", object: { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } } }],
        { author: "ann", message: "first" },
      );
      await b.store.catchUp();
      expect(b.store.list({ kind: "Namespace" }).items).toHaveLength(1);
    });

    test.each([
      [
        "no certificate of a client",
        { "cert-file": undefined, "key-file": undefined },
        /ask for \?cert-file/,
      ],
      ["another authority", { "ca-file": "other.pem" }, /VERIFY.*is \?ca-file who signed its certificate/],
      ["another name", { "server-name": "etcd.example" }, /ALTNAME.*the address or \?server-name/],
      ["another password", { "password-file": "wrong" }, /does not know the user weft .*\?password-file/],
      ["a user that nobody knows", { user: "nobody" }, /does not know the user nobody with that password/],
      [
        "a user without a role",
        { user: "guest" },
        /allows the user guest nothing here; grant .*\/weft\/mesh-/,
      ],
    ] as const)("%s: says so, and what to do", async (_name, wrong, said) => {
      const { user = "weft", ...changed }: Readonly<Record<string, string | undefined>> = wrong;
      const query = Object.entries(changed).map(([name, value]) => [
        name,
        value?.endsWith("example") === false ? file(value) : value,
      ]);
      const opening = openReplica(address(parameters(Object.fromEntries(query)), `${user}@`));
      const error: unknown = await opening.catch((reason: unknown) => reason);
      expect(errorLine(error)).toMatch(said);
    });
  });
}

function openssl(folder: string, ...words: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["openssl", ...words], { cwd: folder });
  if (exitCode !== 0) throw new Error(stderr.toString());
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function makeAuthority(folder: string, name: string): void {
  openssl(
    folder,
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.pem`,
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
  );
}

/** For 127.0.0.1, on both sides of a connection: etcd's own gateway is a client of it with the server's certificate. */
function makeCertificate(folder: string, name: string): void {
  openssl(folder, "req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
  writeFileSync(
    join(folder, "usage"),
    "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n",
  );
  openssl(
    folder,
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "2",
    "-extfile",
    "usage",
    "-out",
    `${name}.pem`,
  );
}

/** Who may write weft's keys, somebody who may nothing, and from then on nobody else. */
async function askForUsers(port: number, folder: string): Promise<void> {
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const tls = { ca: read("ca.pem"), cert: read("client.pem"), key: read("client.key") };
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const call = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(`https://127.0.0.1:${port}/v3/auth/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      tls,
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  };
  await call("role/add", { name: "weft" });
  const [key, range_end] = [base64("/weft/"), base64("/weft0")];
  await call("role/grant", { name: "weft", perm: { permType: "READWRITE", key, range_end } });
  for (const name of ["root", "weft", "guest"]) await call("user/add", { name, password });
  await call("user/grant", { user: "root", role: "root" });
  await call("user/grant", { user: "weft", role: "weft" });
  await call("enable", {});
}
