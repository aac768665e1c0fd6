/** A control plane over its real ports with a mesh that can be asked about: two services, a gateway with a key, and people of different rights. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import type { GrpcClient } from "../../grpc/index.ts";
import { silentLog } from "../../kernel/index.ts";
import type { TlsIdentity } from "../../net/index.ts";
import { Workloads } from "../../wire/index.ts";
import { startControl } from "../control.ts";
import type { RunningControl } from "../control-options.ts";
import { publicCertificate } from "./public-certificate.ts";
import { clientOf, join, TestProxy } from "./test-proxy.ts";

const loopback = { address: "127.0.0.1", port: 0 };
/** Ann may ask what would become of things, bob may read Services, eve may do nothing. */
export const people = {
  ann: "ann-token-0123456789",
  bob: "bob-token-0123456789",
  eve: "eve-token-0123456789",
};

export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line no-explicit-any -- what the wire says is what these tests are about
  readonly body: any;
  readonly text: string;
}

export const meshApi = "/apis/weft.dev/v1alpha1";

export const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: { selector: { app: name }, ports: [{ name: "http", port: 9080 }] },
});

/** To reviews, of which so many in a hundred go to reviews-v2. */
export const split = (share: number) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "split", namespace: "default" },
  spec: {
    parentRefs: [{ group: "", kind: "Service", name: "reviews" }],
    rules: [
      {
        backendRefs: [
          { name: "reviews", port: 9080, weight: 100 - share },
          { name: "reviews-v2", port: 9080, weight: share },
        ],
      },
    ],
  },
});

/** Nobody may call reviews. */
export const denial = {
  apiVersion: "weft.dev/v1alpha1",
  kind: "AuthorizationPolicy",
  metadata: { name: "nobody", namespace: "default" },
  spec: { selector: { matchLabels: { app: "reviews" } }, action: "Deny", rules: [{}] },
};

export function doorKey(): { readonly secret: object; readonly parts: readonly string[] } {
  const { certChainPem, privateKeyPem } = publicCertificate("shop.example.com");
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return {
    secret: {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "door", namespace: "default" },
      type: "kubernetes.io/tls",
      data: { "tls.crt": base64(certChainPem), "tls.key": base64(privateKeyPem) },
    },
    /** Of which none may be in any answer: lines of it, as it is and in base64. */
    parts: [privateKeyPem.split("\n")[1] ?? "", base64(privateKeyPem).slice(40, 80)],
  };
}

export class AskedControl {
  /** Of the test, gone with `close`. */
  readonly directory: string;
  readonly control: RunningControl;
  readonly #clients: GrpcClient[] = [];
  readonly #proxies: TestProxy[] = [];
  web: TlsIdentity | undefined;

  private constructor(directory: string, control: RunningControl) {
    this.directory = directory;
    this.control = control;
  }

  /** With the proxies of web-1, which dials reviews, of reviews-1 and reviews-v2-1, and of a gateway that shows `key`. */
  static async start(key: object): Promise<AskedControl> {
    const directory = mkdtempSync(joinPath(tmpdir(), "weft-asked-"));
    const apiTokenFile = joinPath(directory, "people.csv");
    const lines = Object.entries(people).map(([name, token], index) => `${token},${name},${index}`);
    writeFileSync(apiTokenFile, `${lines.join("\n")}\n`, { mode: 0o600 });
    const dataDir = joinPath(directory, "data");
    const options = { dataDir, apiTokenFile, api: loopback, ads: loopback, log: silentLog, version: "test" };
    const asked = new AskedControl(directory, await startControl(options));
    const accounts = ["web", "reviews"].map((name) => ({
      ...{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "default" } },
    }));
    const edge = {
      ...{
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "gateway", namespace: "weft-system" },
      },
    };
    await asked.apply(
      ...[
        ...accounts,
        edge,
        service("web"),
        service("reviews"),
        service("reviews-v2"),
        split(0),
        key,
        door(443),
      ],
      ...rights("ann", { verbs: ["create"], apiGroups: ["weft.dev"], resources: ["plans", "explanations"] }),
      ...rights("bob", { verbs: ["get"], apiGroups: [""], resources: ["services"] }),
    );
    asked.web = await asked.#sidecar("web", "web", "10.77.0.1", ["default/reviews:9080@default"]);
    await asked.#sidecar("reviews", "reviews", "10.77.0.2");
    await asked.#sidecar("reviews-v2", "reviews", "10.77.0.3");
    const gateway = await join(
      asked.control,
      "weft-system/edge",
      await asked.#token("weft-system", "gateway"),
    );
    const proxy = new TestProxy(asked.client(gateway), "weft-system/edge", "gateway");
    asked.#proxies.push(proxy);
    proxy.subscribe("Gateway", "default/door");
    await proxy.until(() => proxy.resources.has("Gateway default/door"));
    return asked;
  }

  async call(method: string, path: string, body?: unknown, token = this.token): Promise<Answer> {
    const response = await fetch(`${this.control.apiUrl}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text), text };
  }

  get token(): string {
    return readFileSync(this.control.tokenFile, "utf8").trim();
  }

  async apply(...objects: readonly object[]): Promise<number> {
    const { status, body, text } = await this.call("POST", `${meshApi}/transactions`, {
      objects,
      acceptLockout: true,
    });
    if (status !== 200) throw new Error(text);
    return Number(body.revision);
  }

  async revision(): Promise<number> {
    return Number((await this.call("GET", `${meshApi}/status`)).body.revision);
  }

  client(identity: TlsIdentity): GrpcClient {
    const made = clientOf(this.control, identity);
    this.#clients.push(made);
    return made;
  }

  async close(): Promise<void> {
    for (const proxy of this.#proxies) proxy.close();
    for (const client of this.#clients) client.close();
    await this.control.drain();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #sidecar(
    app: string,
    serviceAccount: string,
    address: string,
    dials: readonly string[] = [],
  ): Promise<TlsIdentity> {
    const name = `${app}-1`;
    const path = `default/${name}`;
    const identity = await join(this.control, path, await this.#token("default", serviceAccount));
    const client = this.client(identity);
    const proxy = new TestProxy(client, path);
    this.#proxies.push(proxy);
    await client.unary(Workloads.method.register, {
      ...{ namespace: "default", name, serviceAccount, labels: { app }, addresses: [address] },
      ports: [{ port: 9080, name: "http", protocol: "http" }],
    });
    if (dials.length > 0) proxy.subscribe("Outbound", ...dials);
    await proxy.until(
      () =>
        proxy.resources.has(`Inbound ${path}`) &&
        dials.every((key) => proxy.resources.has(`Outbound ${key}`)),
    );
    return identity;
  }

  async #token(namespace: string, account: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const { body, text } = await this.call("POST", path, { spec: { audiences: ["weft-join"] } });
    const token: unknown = body.status?.token;
    if (typeof token !== "string") throw new Error(text);
    return token;
  }
}

export const door = (port: number) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "door", namespace: "default" },
  spec: {
    gatewayClassName: "weft",
    listeners: [{ name: "https", port, protocol: "HTTPS", tls: { certificateRefs: [{ name: "door" }] } }],
  },
});

/** `role`: which one of several of the same person. */
export function rights(name: string, rule: object, role = "role"): object[] {
  const group = "rbac.authorization.k8s.io";
  const own = `${name}-${role}`;
  return [
    { apiVersion: `${group}/v1`, kind: "ClusterRole", metadata: { name: own }, rules: [rule] },
    {
      apiVersion: `${group}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: own },
      subjects: [{ kind: "User", apiGroup: group, name }],
      roleRef: { apiGroup: group, kind: "ClusterRole", name: own },
    },
  ];
}
