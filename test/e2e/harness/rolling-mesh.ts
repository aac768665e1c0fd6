/**
 * A service of three instances, each an application and a sidecar on addresses of their own, and the two ways to it: a gateway, and a
 * caller's sidecar. Beside it a service without sidecars, whose endpoints are written by hand.
 */
import { BareMesh, type BareProxy, unusedPort } from "./bare-mesh.ts";
import { type Running, spawnProcess } from "./child-process.ts";
import { eventually } from "./eventually.ts";
import { gatewayTo, httpPort, splitRoute, testProgram } from "./resources.ts";

const instanceCount = 3;
const plainCount = 4;
const endTimeoutMs = 30_000;
const startTimeoutMs = 30_000;
/** Last parts of addresses: sidecars, their applications, applications without sidecars, callers. */
const hosts = { sidecars: 10, applications: 30, plain: 50, caller: 3, gateway: 4 };

interface Instance {
  readonly index: number;
  application: Running;
  sidecar: BareProxy;
}

/** Numbers of one kind by label. */
export type Counts = Readonly<Record<string, number>>;

export class RollingMesh implements AsyncDisposable {
  readonly gatewayUrl: string;
  readonly callerUrl: string;
  readonly #mesh: BareMesh;
  readonly #gateway: BareProxy;
  readonly #caller: BareProxy;
  readonly #instances: readonly Instance[];
  readonly #plain: readonly Running[];

  private constructor(parts: {
    readonly mesh: BareMesh;
    readonly gateway: BareProxy;
    readonly gatewayPort: number;
    readonly caller: BareProxy;
    readonly callerPort: number;
    readonly instances: readonly Instance[];
    readonly plain: readonly Running[];
  }) {
    this.#mesh = parts.mesh;
    this.#gateway = parts.gateway;
    this.#caller = parts.caller;
    this.#instances = parts.instances;
    this.#plain = parts.plain;
    this.gatewayUrl = `http://127.0.0.1:${parts.gatewayPort}/`;
    this.callerUrl = `http://127.0.0.1:${parts.callerPort}/`;
  }

  static async start(): Promise<RollingMesh> {
    const [gatewayPort, callerPort] = [unusedPort(), unusedPort()];
    const weights = { "web-a": 1, "web-b": 1, plain: 1 };
    const mesh = await BareMesh.start([
      service("web", { app: "web" }),
      service("web-a", { app: "web", a: "yes" }),
      service("web-b", { app: "web", b: "yes" }),
      service("plain"),
      plainEndpoints(plainCount),
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "gateway", namespace: "weft-system" } },
      ...gatewayTo(weights, gatewayPort),
      splitRoute("web", weights),
    ]);
    const plain = await Promise.all(
      Array.from({ length: plainCount }, (_, i) => startApplication(plainAddress(i))),
    );
    const instances = await Promise.all(
      Array.from({ length: instanceCount }, async (_, index) => {
        const application = await startApplication(applicationAddress(mesh, index));
        return { index, application, sidecar: await startSidecar(mesh, index) };
      }),
    );
    const outbound = {
      address: "127.0.0.1",
      port: callerPort,
      service: "default/web",
      servicePort: httpPort,
    };
    const [caller, gateway] = await Promise.all([
      mesh.startProxy("caller", hosts.caller, { capture: { kind: "explicit", outbound: [outbound] } }),
      mesh.startProxy("door", hosts.gateway, {
        role: "gateway",
        gateway: { kind: "tcp", address: "127.0.0.1" },
      }),
    ]);
    const started = new RollingMesh({ mesh, gateway, gatewayPort, caller, callerPort, instances, plain });
    await started.#untilServed();
    return started;
  }

  get client(): BareMesh["client"] {
    return this.#mesh.client;
  }

  /** One instance after another: its sidecar leaves and ends, then its application; both are started again. */
  async restartAll(): Promise<Counts[]> {
    const retries: Counts[] = [];
    for (const instance of this.#instances) {
      const { index } = instance;
      retries.push(await counts(instance.sidecar, "weft_retries_total"));
      instance.sidecar.process.kill("SIGTERM");
      const sidecarEnd = await instance.sidecar.process.within(endTimeoutMs);
      instance.application.kill("SIGTERM");
      const applicationEnd = await instance.application.within(endTimeoutMs);
      if (sidecarEnd.code !== 0 || applicationEnd.code !== 0)
        throw new Error(`instance ${index} did not end well: ${sidecarEnd.stderr}${applicationEnd.stderr}`);
      instance.application = await startApplication(applicationAddress(this.#mesh, index));
      instance.sidecar = await startSidecar(this.#mesh, index);
      // As a rollout waits until the new one is ready to be sent to.
      await this.untilCurrent();
    }
    return retries;
  }

  /** Of both callers and all instances that run now. */
  async retries(): Promise<Counts> {
    return this.#sum("weft_retries_total");
  }

  /** Lines of both callers' access logs about requests that failed: for messages. */
  get failureLines(): readonly string[] {
    return [this.#gateway, this.#caller].flatMap(({ process: { stdout } }) =>
      stdout.split("\n").filter((line) => line.includes('"reason"')),
    );
  }

  /** Both callers have the newest configuration. */
  async untilCurrent(): Promise<void> {
    const { revision } = await this.client.status();
    await eventually(async () => {
      for (const proxy of [this.#gateway, this.#caller]) {
        const page: { readonly revision: number } = JSON.parse(
          await (await fetch(`${proxy.adminUrl}/config`)).text(),
        );
        if (page.revision < revision) throw new Error(`is at ${page.revision}, not at ${revision}`);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mesh[Symbol.asyncDispose]();
    for (const application of [...this.#plain, ...this.#instances.map((each) => each.application)]) {
      application.kill("SIGKILL");
      await application.finished;
    }
  }

  async #sum(name: string): Promise<Counts> {
    const proxies = [this.#gateway, this.#caller, ...this.#instances.map(({ sidecar }) => sidecar)];
    return sum(await Promise.all(proxies.map((each) => counts(each, name))));
  }

  async #untilServed(): Promise<void> {
    for (const url of [this.gatewayUrl, this.callerUrl]) {
      await eventually(async () => {
        for (let i = 0; i < 20; i++) {
          const response = await fetch(url);
          if (response.status !== 200) throw new Error(`${url} answers ${response.status}`);
        }
      }, startTimeoutMs);
    }
  }
}

/** The service without sidecars has the first `count` of its endpoints. */
export function plainEndpoints(count: number): object {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "plain",
      namespace: "default",
      labels: { "kubernetes.io/service-name": "plain" },
    },
    addressType: "IPv4",
    endpoints: Array.from({ length: Math.min(count, plainCount) }, (_, i) => ({
      addresses: [plainAddress(i)],
    })),
    ports: [{ port: httpPort }],
  };
}

export function sum(all: readonly Counts[]): Counts {
  const result: Record<string, number> = {};
  for (const each of all) {
    for (const [label, value] of Object.entries(each)) result[label] = (result[label] ?? 0) + value;
  }
  return result;
}

export function total(each: Counts): number {
  return Object.values(each).reduce((all, value) => all + value, 0);
}

function service(name: string, selector?: Readonly<Record<string, string>>): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: {
      ...(selector === undefined ? {} : { selector }),
      ports: [{ port: httpPort, targetPort: httpPort, appProtocol: "http" }],
    },
  };
}

/** Before there is a mesh with a network of its own; two runs at once have different processes. */
function plainAddress(index: number): string {
  return `127.${130 + (process.pid % 100)}.${1 + ((process.pid >> 8) % 250)}.${hosts.plain + index}`;
}

function applicationAddress(mesh: BareMesh, index: number): string {
  return `${mesh.network}.${hosts.applications + index}`;
}

async function startApplication(host: string): Promise<Running> {
  const env = { ...process.env, HOST: host, PORT: String(httpPort) };
  const application = spawnProcess(testProgram("web"), { cwd: import.meta.dir, env });
  await eventually(async () => {
    await fetch(`http://${host}:${httpPort}/`);
  }, startTimeoutMs);
  return application;
}

function startSidecar(mesh: BareMesh, index: number): Promise<BareProxy> {
  const name = `web-${index}`;
  const host = hosts.sidecars + index;
  // Of three instances each half has two, so that each is served while one is away.
  const halves = { ...(index < 2 ? { a: "yes" } : {}), ...(index > 0 ? { b: "yes" } : {}) };
  return mesh.startProxy(name, host, {
    workload: {
      ...{ namespace: "default", serviceAccount: "default", region: "", zone: "" },
      name,
      labels: { app: "web", ...halves },
      addresses: [`${mesh.network}.${host}`],
      ports: [{ port: httpPort, name: "http", protocol: "http" }],
    },
    application: { address: applicationAddress(mesh, index) },
  });
}

async function counts({ adminUrl }: BareProxy, name: string): Promise<Counts> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.lastIndexOf(" ");
      return [line.slice(name.length, end), Number(line.slice(end + 1))];
    }),
  );
}
