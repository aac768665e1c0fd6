/** For tests of roles: an API with a few people's tokens, and the objects by which they get rights. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, TestApi } from "./testing.ts";

export const group = "rbac.authorization.k8s.io";
export const rbac = `/apis/${group}/v1`;
export const transactions = "/apis/weft.dev/v1alpha1/transactions";
export const people = {
  ann: "ann-token-0123456789",
  bob: "bob-token-0123456789",
  root: "root-token-0123456789",
};

type Call = (method: string, path: string, body?: unknown) => Promise<Answer>;

export class PeoplesApi {
  readonly api: TestApi;
  readonly #directory: string;

  private constructor(api: TestApi, directory: string) {
    this.api = api;
    this.#directory = directory;
  }

  static async start(): Promise<PeoplesApi> {
    const directory = mkdtempSync(join(tmpdir(), "weft-roles-"));
    const tokenFile = join(directory, "tokens.csv");
    const lines = [`${people.ann},ann,1,"dev,qa"`, `${people.bob},bob,2`, `${people.root},root,3,admins`];
    writeFileSync(tokenFile, `${lines.join("\n")}\n`, { mode: 0o600 });
    return new PeoplesApi(await TestApi.start({ tokenFile }), directory);
  }

  as(who: keyof typeof people, headers: Record<string, string> = {}): Call {
    return (method, path, body) =>
      this.api.call(method, path, body, { authorization: `Bearer ${people[who]}`, ...headers });
  }

  readonly admin: Call = (method, path, body) => this.api.call(method, path, body);

  async apply(...objects: unknown[]): Promise<void> {
    const { status, body } = await this.admin("POST", transactions, { objects });
    if (status !== 200) throw new Error(body.message);
  }

  async close(): Promise<void> {
    await this.api.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export const clusterRole = (name: string, rules: unknown[]) => ({
  apiVersion: `${group}/v1`,
  kind: "ClusterRole",
  metadata: { name },
  rules,
});
export const role = (name: string, rules: unknown[]) => ({
  ...clusterRole(name, rules),
  kind: "Role",
  metadata: { name, namespace: "default" },
});
export const bindingOf = (name: string, roleName: string, subject: object, namespace?: string) => ({
  apiVersion: `${group}/v1`,
  kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
  metadata: namespace === undefined ? { name } : { name, namespace },
  subjects: [subject],
  roleRef: { apiGroup: group, kind: "ClusterRole", name: roleName },
});
export const user = (name: string) => ({ kind: "User", apiGroup: group, name });
export const on = (verbs: string[], resources: string[], apiGroups = [""]) => ({
  verbs,
  apiGroups,
  resources,
});
