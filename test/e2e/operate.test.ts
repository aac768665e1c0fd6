/** What keeps a mesh in good hands: snapshots, bundles for reports, completion. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BareMesh } from "./harness/bare-mesh.ts";
import { weftProgram } from "./harness/mesh.ts";
import { runWeft, TemporaryFolder } from "./harness/weft.ts";

const hookTimeoutMs = 60_000;
const timeoutMs = 60_000;
/** Planted in every place that a secret may be in. */
const planted = {
  secret: "PLANTED-secret-data",
  token: "PLANTED-api-token",
  header: "PLANTED-header-value",
  password: "PLANTED-password",
  jwt: `${btoa('{"alg":"none"}')}.${btoa('{"sub":"PLANTED-subject"}')}.c2lnbmF0dXJl`.replaceAll("=", ""),
  key: "PLANTEDKEYMATERIAL",
};

let mesh: BareMesh;
let other: BareMesh;
let folder: TemporaryFolder;

beforeAll(async () => {
  folder = new TemporaryFolder();
  mesh = await BareMesh.start([
    configMap("kept", { note: "hello" }),
    configMap("settings", { "db.password": planted.password, authorization: `Bearer ${planted.header}` }),
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "door", namespace: "default" },
      type: "Opaque",
      stringData: { value: planted.secret },
    },
  ]);
  other = await BareMesh.start([]);
}, hookTimeoutMs);

afterAll(async () => {
  await mesh[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
}, hookTimeoutMs);

function configMap(name: string, data: Record<string, string>): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" }, data };
}

async function weftOf(of: BareMesh, ...args: readonly string[]) {
  const { server, token } = of.access;
  return await runWeft([...args, "--server", server], { env: { WEFT_TOKEN: token } });
}

describe("a snapshot", () => {
  test(
    "fills an empty mesh, with Secrets, and is nobody else's to read",
    async () => {
      const file = join(folder.path, "mesh.weft");
      const passphraseFile = join(folder.path, "passphrase");
      writeFileSync(passphraseFile, "correct horse\n");
      const options = ["--passphrase-file", passphraseFile];
      const saved = await weftOf(mesh, "snapshot", "save", file, ...options);
      expect(saved).toMatchObject({ code: 0, stdout: expect.stringContaining("saved") });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file, "latin1")).not.toContain(planted.secret);
      expect(await weftOf(other, "snapshot", "restore", file)).toMatchObject({
        code: 65,
        stderr: expect.stringContaining("--passphrase-file"),
      });
      const restored = await weftOf(other, "snapshot", "restore", file, ...options);
      expect(restored).toMatchObject({ code: 0, stderr: "" });
      const secret = await other.client.get("Secret", { namespace: "default", name: "door" });
      expect(Buffer.from(secret.data?.["value"] ?? "", "base64").toString()).toBe(planted.secret);
      const again = await weftOf(other, "snapshot", "restore", file, ...options);
      expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("not empty") });
      await other.apply(configMap("stray", {}));
      expect((await weftOf(other, "snapshot", "restore", file, "--replace", ...options)).code).toBe(0);
      const { items } = await other.client.list("ConfigMap", { namespace: "default" });
      expect(items.map(({ metadata }) => metadata.name).toSorted()).toEqual(["kept", "settings"]);
    },
    timeoutMs,
  );

  test(
    "that is damaged, or none, is refused and nothing is written",
    async () => {
      const file = join(folder.path, "damaged.weft");
      expect((await weftOf(mesh, "snapshot", "save", file)).code).toBe(0);
      const bytes = readFileSync(file);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      writeFileSync(file, bytes);
      const before = (await other.client.status()).revision;
      expect(await weftOf(other, "snapshot", "restore", file, "--replace")).toMatchObject({
        code: 65,
        stderr: expect.stringContaining("checksum"),
      });
      writeFileSync(file, "kind: Service\n");
      expect((await weftOf(other, "snapshot", "restore", file, "--replace")).code).toBe(65);
      expect((await other.client.status()).revision).toBe(before);
    },
    timeoutMs,
  );
});

test(
  "a bundle for a report holds what is asked for, and no secret that was planted",
  async () => {
    const logs = join(folder.path, "logs");
    mkdirSync(logs);
    const lines = [
      JSON.stringify({
        message: "request",
        headers: { authorization: `Bearer ${planted.token}`, cookie: planted.header },
      }),
      `GET /?access_token=${planted.token} HTTP/1.1`,
      `x-api-key: ${planted.header}`,
      `token ${planted.jwt} refused`,
      `postgres://admin:${planted.password}@db/1`,
      `-----BEGIN PRIVATE KEY-----\n${planted.key}\n-----END PRIVATE KEY-----`,
      "an ordinary line",
    ];
    writeFileSync(join(logs, "web.proxy.log"), lines.join("\n"));
    const file = join(folder.path, "support.tar.gz");
    const made = await weftOf(mesh, "support", file, "--logs", logs);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const into = join(folder.path, "bundle");
    mkdirSync(into);
    expect(Bun.spawnSync(["tar", "xzf", file, "-C", into]).exitCode).toBe(0);
    const text = Bun.spawnSync(["sh", "-c", "cat $(find . -type f)"], { cwd: into }).stdout.toString();
    for (const value of [...Object.values(planted), mesh.access.token, "PLANTED"])
      expect(text).not.toContain(value);
    for (const part of ["an ordinary line", '"revision"', "hello", "weft_", '"name": "door"'])
      expect(text).toContain(part);
    rmSync(into, { recursive: true });
  },
  timeoutMs,
);

describe("completion in bash", () => {
  /** What bash itself offers for a line. */
  function complete(...words: readonly string[]): string[] {
    const bin = join(folder.path, "bin");
    mkdirSync(bin, { recursive: true });
    rmSync(join(bin, "weft"), { force: true });
    symlinkSync(weftProgram, join(bin, "weft"));
    const list = words.map((word) => `'${word}'`).join(" ");
    const script = `eval "$(weft completion bash)"; COMP_WORDS=(weft ${list}); COMP_CWORD=${words.length}
      complete -p weft >/dev/null && _weft && printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { server, token } = mesh.access;
    const env = {
      ...process.env,
      PATH: `${bin}:${process.env["PATH"]}`,
      WEFT_SERVER: server,
      WEFT_TOKEN: token,
    };
    return Bun.spawnSync(["bash", "-c", script], { env }).stdout.toString().split("\n").filter(Boolean);
  }

  test.each([
    [["sna"], ["snapshot"]],
    [["get", "httpro"], ["httproute"]],
    [["get", "configmap", "ke"], ["kept"]],
    [["get", "configmap", "-o", "ya"], ["yaml"]],
    [["proxy", "--take"], ["--takeover"]],
    [["apply", "-f", "x"], []],
  ])(
    "%j offers %j",
    (words, offered) => {
      expect(complete(...words)).toEqual(offered);
    },
    timeoutMs,
  );
});
