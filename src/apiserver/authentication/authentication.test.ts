/** Each way to prove who one is, over real sockets: token files, Unix sockets, TLS with client certificates; and that nobody is anonymous. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configMap, configMaps, TestApi, token } from "../testing.ts";
import { type Pair, TestAuthority } from "../testing-certificates.ts";
import { readTokenFile } from "./tokens.ts";

const whoami = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
let directory: string;
let authority: TestAuthority;
let server: Pair;
let api: TestApi | undefined;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-authn-"));
  authority = new TestAuthority(directory);
  server = authority.server();
});
afterEach(async () => {
  await api?.close();
  api = undefined;
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

// oxlint-disable-next-line no-explicit-any -- what the wire says is what these tests are about
const bodyOf = async (response: Response | Promise<Response>): Promise<any> => (await response).json();

const file = (name: string, text: string, mode = 0o600): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

describe("a token file", () => {
  test("is Kubernetes' form: quotes, groups, comments", async () => {
    const text = '# people\n"to,ken-0123456789",ann,7,"dev, ""x"""\n\ntoken-of-bob-0123,bob,8\n';
    const tokens = readTokenFile(file("good.csv", text));
    expect(tokens.authenticate("to,ken-0123456789")).toEqual({
      user: "ann",
      uid: "7",
      groups: ["dev", '"x"', "system:authenticated"],
      method: "static_token",
    });
    expect(tokens.authenticate("token-of-bob-0123")?.groups).toEqual(["system:authenticated"]);
    expect(tokens.authenticate("token-of-bob-012")).toBeUndefined();
    expect(tokens.authenticate("")).toBeUndefined();
  });

  test.each([
    ["that others can read", "token-of-bob-0123,bob,8\n", 0o640, "chmod 600"],
    ["with a short token", "short,bob,8\n", 0o600, "fewer than 16"],
    ["without a user", "token-of-bob-0123,,8\n", 0o600, "names no user"],
    ["with an open quote", '"token-of-bob-0123,bob,8\n', 0o600, "is not of the form"],
    ["with one token twice", "token-of-bob-0123,bob,8\ntoken-of-bob-0123,ann,9\n", 0o600, "twice"],
  ])("%s is refused", (_, text, mode, message) => {
    let failure: unknown;
    try {
      readTokenFile(file("bad.csv", text, mode));
    } catch (error) {
      failure = error;
    }
    expect(
      String(failure) + String(failure instanceof Error && "hint" in failure ? failure.hint : ""),
    ).toContain(message);
  });
});

describe("a Unix socket", () => {
  const ask = (path: string, at: string, headers: Record<string, string> = {}) =>
    fetch(`http://localhost${path}`, {
      unix: at,
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json", ...headers },
    });

  test("is open to all users of the machine, and tells who they are", async () => {
    const at = join(directory, "api.sock");
    api = await TestApi.start({ listen: { kind: "unix", unixPath: at } });
    expect(api.server.url).toBe(at);
    expect(statSync(at).mode & 0o777).toBe(0o666);
    const own = await bodyOf(ask(whoami, at));
    expect(own.status.userInfo).toMatchObject({
      username: `unix:${process.getuid?.()}`,
      groups: ["system:masters", "system:authenticated"],
    });
    expect((await ask(whoami, at, { authorization: "Bearer wrong" })).status).toBe(401);
    expect(
      (await bodyOf(ask(whoami, at, { authorization: `Bearer ${token}` }))).status.userInfo.username,
    ).toBe("weft:admin");
  });

  test.skipIf(process.getuid?.() !== 0)(
    "knows another user by the kernel's word and gives them nothing",
    async () => {
      const at = join(directory, "other.sock");
      chmodSync(directory, 0o755);
      api = await TestApi.start({ listen: { kind: "unix", unixPath: at } });
      const program = `
      import { setuid } from "node:process";
      setuid(12345);
      const init = { unix: ${JSON.stringify(at)}, method: "POST", body: "{}", headers: { "content-type": "application/json" } };
      const me = await (await fetch("http://localhost${whoami}", init)).json();
      const list = await fetch("http://localhost${configMaps}", { unix: ${JSON.stringify(at)} });
      console.log(me.status.userInfo.username, me.status.userInfo.groups.join(), list.status);`;
      const child = Bun.spawn([process.execPath, "-e", program], {
        stdout: "pipe",
        stderr: "inherit",
        cwd: "/",
      });
      expect((await new Response(child.stdout).text()).trim()).toBe("unix:12345 system:authenticated 403");
    },
  );

  test("may stand beside TCP, carries large bodies and watches, and leaves no file behind", async () => {
    const at = join(directory, "beside.sock");
    api = await TestApi.start({ besideUnixPath: at });
    expect((await api.call("GET", configMaps)).status).toBe(200);
    const big = configMap("big", { k: "x".repeat(900_000) });
    const post = {
      unix: at,
      method: "POST",
      body: JSON.stringify(big),
      headers: { "content-type": "application/json" },
    };
    expect((await fetch(`http://localhost${configMaps}`, post)).status).toBe(201);
    const watch = await fetch(`http://localhost${configMaps}?watch=1&timeoutSeconds=1`, { unix: at });
    expect((await watch.text()).length).toBeGreaterThan(900_000);
    await api.server.stop();
    expect(() => statSync(at)).toThrow("ENOENT");
  });

  test("has nobody behind it who did not come through it", async () => {
    const at = join(directory, "inner.sock");
    const before = listening();
    api = await TestApi.start({ listen: { kind: "unix", unixPath: at } });
    const inner = [...listening()].filter((port) => !before.has(port));
    expect(inner).toHaveLength(1);
    const response = await fetch(`http://127.0.0.1:${inner[0]}/healthz`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(403);
  });
});

/** Ports on which this process's machine listens, in this network namespace. */
function listening(): Set<number> {
  const { stdout } = Bun.spawnSync(["cat", "/proc/net/tcp"]);
  const ports = [...stdout.toString().matchAll(/0100007F:([0-9A-F]{4}) 00000000:0000 0A /g)];
  return new Set(ports.map(([, port = ""]) => Number.parseInt(port, 16)));
}

describe("TLS", () => {
  const start = async (clientCaPem?: string): Promise<TestApi> => {
    api = await TestApi.start({
      trustDomain: "0a1b2c3d.weft",
      listen: {
        kind: "tcp",
        address: "127.0.0.1",
        port: 0,
        tls: {
          certChainPem: server.cert,
          privateKeyPem: server.key,
          ...(clientCaPem === undefined ? {} : { clientCaPem }),
        },
      },
    });
    return api;
  };
  const ask = (to: TestApi, pair?: Pair, headers: Record<string, string> = {}) =>
    fetch(`https://localhost:${to.server.port}${whoami}`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json", ...headers },
      keepalive: false,
      tls: { ca: authority.pem, ...(pair === undefined ? {} : { cert: pair.cert, key: pair.key }) },
    });
  const client = ["extendedKeyUsage=clientAuth"];

  test("tells the user by CN and the groups by O", async () => {
    const to = await start(authority.pem);
    expect(to.server.url).toStartWith("https://127.0.0.1:");
    const ann = authority.issue("ann", "/O=dev/O=qa/CN=ann", client);
    const { status } = await bodyOf(ask(to, ann));
    expect(status.userInfo).toMatchObject({
      username: "ann",
      groups: ["dev", "qa", "system:authenticated"],
      extra: { method: ["client_certificate"] },
    });
  });

  test("tells a workload by its SPIFFE id, of this mesh alone", async () => {
    const to = await start(authority.pem);
    const web = authority.issue("web", "/CN=ann", [
      ...client,
      "subjectAltName=URI:spiffe://0a1b2c3d.weft/ns/shop/sa/web",
    ]);
    const { status } = await bodyOf(ask(to, web));
    expect(status.userInfo).toMatchObject({
      username: "spiffe://0a1b2c3d.weft/ns/shop/sa/web",
      groups: ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
    });
    const foreign = authority.issue("foreign", "/CN=ann", [
      ...client,
      "subjectAltName=URI:spiffe://other.weft/ns/shop/sa/web",
    ]);
    expect((await ask(to, foreign)).status).toBe(401);
    const two = authority.issue("two", "/CN=ann", [
      ...client,
      "subjectAltName=URI:spiffe://0a1b2c3d.weft/ns/shop/sa/web,URI:spiffe://0a1b2c3d.weft/ns/bank/sa/web",
    ]);
    expect((await ask(to, two)).status).toBe(401);
  });

  test("without a certificate wants a token, and takes one", async () => {
    const to = await start(authority.pem);
    expect((await ask(to)).status).toBe(401);
    expect((await ask(to, undefined, { authorization: `Bearer ${token}` })).status).toBe(201);
  });

  test("refuses certificates of others, expired ones and those that are no client's", async () => {
    const to = await start(authority.pem);
    const other = join(directory, "other");
    Bun.spawnSync(["mkdir", "-p", other]);
    const bad: Pair[] = [
      new TestAuthority(other).issue("eve", "/CN=ann", client),
      authority.issue("old", "/CN=ann", client, -1),
      authority.issue("web-server", "/CN=ann", ["extendedKeyUsage=serverAuth"]),
    ];
    for (const pair of bad) {
      const outcome = await ask(to, pair).then(
        ({ status }) => status,
        () => "closed",
      );
      expect(outcome).toBe("closed");
    }
  });

  test("asks for none where no authority is given: a certificate then proves nothing", async () => {
    const to = await start();
    const ann = authority.issue("ann2", "/O=system:masters/CN=ann", client);
    expect((await ask(to, ann)).status).toBe(401);
  });

  test("has the names of its certificate as its own, and no other", async () => {
    const to = await start();
    const status = (host: string) =>
      ask(to, undefined, { host, authorization: `Bearer ${token}` }).then((answer) => answer.status);
    expect(await status("mesh.test")).toBe(201);
    expect(await status("evil.example")).toBe(403);
  });

  test("is 1.3, or 1.2 with good suites, and nothing older", async () => {
    const to = await start();
    const inChild = async (...args: string[]): Promise<string> => {
      const child = Bun.spawn(["openssl", "s_client", "-connect", `127.0.0.1:${to.server.port}`, ...args], {
        stdin: new Blob([""]),
        stdout: "pipe",
        stderr: "ignore",
      });
      return /Cipher is (\S+)/.exec(await new Response(child.stdout).text())?.[1] ?? "none";
    };
    expect(await inChild()).toStartWith("TLS_");
    expect(await inChild("-tls1_2")).toMatch(/^ECDHE-ECDSA-(AES|CHACHA)/);
    expect(await inChild("-tls1_1")).toBe("(NONE)");
    expect(await inChild("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA")).toBe("(NONE)");
  });
});
