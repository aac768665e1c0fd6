/** The verbs about access against a real control plane: who one is, what one may, the audit log, and options that belong together. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningControl, startControl } from "../control/index.ts";
import { silentLog } from "../kernel/index.ts";
import { runCommandLine } from "./command-line.ts";
import { recordOutput } from "./testing/record-output.ts";

let directory: string;
let control: RunningControl;
let socket: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-access-"));
  socket = join(directory, "api.sock");
  const tokens = join(directory, "tokens.csv");
  writeFileSync(tokens, 'token-of-ann-0123,ann,1,"dev"\n', { mode: 0o600 });
  control = await startControl({
    dataDir: join(directory, "data"),
    api: { address: "127.0.0.1", port: 0 },
    ads: { address: "127.0.0.1", port: 0 },
    apiSocket: socket,
    apiTokenFile: tokens,
    log: silentLog,
  });
});
afterAll(async () => {
  await control.drain();
  rmSync(directory, { recursive: true, force: true });
});

async function weft(env: Record<string, string>, ...args: string[]) {
  const { output, out, err } = recordOutput();
  const home = { HOME: directory, XDG_RUNTIME_DIR: directory, USER: "tester" };
  const code = await runCommandLine(args, { output, env: { ...home, WEFT_SERVER: control.apiUrl, ...env } });
  return { code, out: out(), err: err() };
}
const admin = () => ({ WEFT_TOKEN_FILE: control.tokenFile });
const ann = { WEFT_TOKEN: "token-of-ann-0123" };

describe("weft auth", () => {
  test("whoami tells user and groups, also over the socket without a token", async () => {
    expect((await weft(ann, "auth", "whoami")).out).toBe("ann\ngroups: dev, system:authenticated\n");
    const own = await weft({ WEFT_SERVER: `unix:${socket}` }, "auth", "whoami", "-o", "name");
    expect(own.out).toBe(`unix:${process.getuid?.()}\n`);
  });

  test("can-i says yes with 0 and no with 1, and what is missing", async () => {
    expect(await weft(admin(), "auth", "can-i", "delete", "httproutes")).toMatchObject({
      code: 0,
      out: "yes\n",
    });
    const no = await weft(ann, "auth", "can-i", "get", "secret", "tls", "-n", "shop");
    expect([no.code, no.out]).toEqual([1, "no\n"]);
    expect(no.err).toContain("resources: [secrets]} by a binding in namespace shop");
    expect((await weft(ann, "auth", "can-i", "get", "/version")).out).toBe("yes\n");
    expect((await weft(admin(), "auth", "can-i", "get", "/metrics", "--as", "ann")).out).toBe("no\n");
    expect(
      (
        await weft(
          admin(),
          "auth",
          "can-i",
          "get",
          "mesh.weft.dev/status",
          "--as",
          "x",
          "--as-group",
          "system:masters",
        )
      ).out,
    ).toBe("yes\n");
    expect((await weft(ann, "auth", "can-i", "get", "services", "--as", "bob")).code).toBe(1);
    expect((await weft(ann, "auth", "can-i", "get")).code).toBe(64);
    expect((await weft(ann, "auth", "am-i")).code).toBe(64);
  });
});

describe("weft audit", () => {
  test("lists what was done and refused, and is verified by the server, by check, and from files", async () => {
    const role = join(directory, "role.yaml");
    writeFileSync(role, "apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n");
    expect((await weft(admin(), "apply", "-f", role)).code).toBe(0);
    expect((await weft(ann, "apply", "-f", role)).code).toBe(1);
    const list = await weft(admin(), "audit", "list", "--since", "10m");
    expect(list.out).toMatch(/weft:admin \(instance_token\).*transact\s+Namespace shop/);
    expect(list.out).toMatch(/ann \(static_token\).*denied/);
    expect((await weft(ann, "audit", "list")).code).toBe(1);
    expect((await weft(admin(), "audit", "verify")).out).toStartWith("the audit log is whole: ");
    expect((await weft(admin(), "check")).out).toContain("the audit log is whole");
    const [name = ""] = readdirSync(join(directory, "data", "audit"));
    const copy = join(directory, "copy.jsonl");
    copyFileSync(join(directory, "data", "audit", name), copy);
    expect((await weft({}, "audit", "verify", copy)).code).toBe(0);
    const missing = await weft({}, "audit", "verify", copy, "--head", `1:${"0".repeat(64)}`);
    expect([missing.code, missing.out]).toEqual([1, expect.stringContaining("is not in it")]);
    writeFileSync(copy, readFileSync(copy, "utf8").replace("Namespace", "Nomespace"));
    const broken = await weft({}, "audit", "verify", copy);
    expect([broken.code, broken.out]).toEqual([
      1,
      expect.stringMatching(/copy\.jsonl:(\d+): entry \1 was changed/),
    ]);
  });
});

test("deleting the last administrator's binding asks for --accept-lockout", async () => {
  const asked = await weft(admin(), "delete", "clusterrolebinding", "cluster-admin", "--dry-run");
  expect([asked.code, asked.err]).toEqual([1, expect.stringContaining("--accept-lockout")]);
  expect(
    (await weft(admin(), "delete", "clusterrolebinding", "cluster-admin", "--dry-run", "--accept-lockout"))
      .code,
  ).toBe(0);
});

test.each([
  [["--api-cert", "x.pem"], "belong together"],
  [["--client-ca-file", "x.pem"], "needs --api-cert"],
  [["--oidc-issuer", "https://x"], "belong together"],
  [["--api", "0.0.0.0:0"], "without TLS"],
])("weft control %j is refused", async (args, message) => {
  const data = join(directory, "other");
  const { code, err } = await weft({}, "control", "--data-dir", data, "--ads", "127.0.0.1:0", ...args);
  expect([code > 0, err]).toEqual([true, expect.stringContaining(message)]);
});

test("the roles that a mesh begins with: a viewer sees no secret, an editor gives no role", async () => {
  const may = async (role: string, verb: string, what: string): Promise<boolean> => {
    const file = join(directory, "binding.yaml");
    writeFileSync(
      file,
      `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: ${role}, namespace: default }
subjects: [{ kind: User, name: user-of-${role} }]
roleRef: { kind: ClusterRole, name: ${role} }
`,
    );
    expect((await weft(admin(), "apply", "-f", file)).code).toBe(0);
    return (await weft(admin(), "auth", "can-i", verb, what, "--as", `user-of-${role}`)).code === 0;
  };
  const table: [string, string, string, boolean][] = [
    ["view", "get", "httproutes", true],
    ["view", "get", "secrets", false],
    ["view", "update", "httproutes", false],
    ["view", "get", "rolebindings", false],
    ["edit", "update", "httproutes", true],
    ["edit", "get", "secrets", true],
    ["edit", "create", "serviceaccounts/token", true],
    ["edit", "update", "httproutes/status", false],
    ["edit", "create", "rolebindings", false],
    ["edit", "update", "authorizationpolicies.weft.dev", false],
    ["admin", "create", "rolebindings", true],
    ["admin", "update", "authorizationpolicies.weft.dev", true],
    ["admin", "update", "meshconfigs.weft.dev", false],
    ["admin", "escalate", "roles.rbac.authorization.k8s.io", false],
  ];
  for (const [role, verb, what, expected] of table) {
    expect([role, verb, what, await may(role, verb, what)]).toEqual([role, verb, what, expected]);
  }
});
