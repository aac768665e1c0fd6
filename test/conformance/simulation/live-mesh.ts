/** The world over real processes: a control plane, a sidecar for each server and client, a gateway, and applications that record. */
import type { Deletion, PlanReport, Stored } from "../../../src/api/index.ts";
import { BareMesh } from "../../e2e/harness/bare-mesh.ts";
import { eventually } from "../../e2e/harness/eventually.ts";
import type { Answer, Place } from "../gateway-api/client.ts";
import { ask, call } from "../gateway-api/client.ts";
import { objectKey } from "../gateway-api/environment.ts";
import { type Applied, isSameObject, overlaid, type Question } from "./applied.ts";
import type { Change } from "./random-change.ts";
import { RecordingBackend, type Seen, Sightings } from "./recording-backend.ts";
import { simulatedRequest } from "./simulated-request.ts";
import {
  clients,
  isCopy,
  placesOf,
  servicePorts,
  type ServiceName,
  serviceNames,
  type World,
  workloadParts,
  worldObjects,
} from "./world.ts";

/** Of a client's listeners, on its own address. */
const firstListener = 20_001;
const gatewayHost = 40;
/** Of a busy machine. */
const revisionTimeoutMs = 60_000;

export interface LiveAnswer extends Answer {
  /** By each application that got it, but for copies. */
  readonly seen: readonly Seen[];
  /** By those behind mirrors. */
  readonly copies: readonly Seen[];
}

export class LiveMesh implements AsyncDisposable {
  readonly world: World;
  readonly #mesh: BareMesh;
  readonly #backends: readonly RecordingBackend[];
  readonly #sightings: Sightings;
  readonly #listeners = new Map<string, Place>();
  #present: readonly Applied[] = [];

  private constructor(
    mesh: BareMesh,
    world: World,
    backends: readonly RecordingBackend[],
    sightings: Sightings,
  ) {
    this.#mesh = mesh;
    this.world = world;
    this.#backends = backends;
    this.#sightings = sightings;
  }

  static async start(): Promise<LiveMesh> {
    const sightings = new Sightings();
    const backends: RecordingBackend[] = [];
    const start = async (
      service: ServiceName,
      workload: string,
      protocol: "http" | "grpc",
    ): Promise<number> => {
      const place = { backend: `${service}:${servicePorts[protocol]}`, workload };
      const backend = await RecordingBackend.start(place, protocol, sightings);
      backends.push(backend);
      return backend.port;
    };
    const ports = async (service: ServiceName) =>
      await Promise.all(
        placesOf(service).map(async (workload) => ({
          http: await start(service, workload, "http"),
          grpc: await start(service, workload, "grpc"),
        })),
      );
    const world: World = {
      "shop/front": await ports("shop/front"),
      "shop/one": await ports("shop/one"),
      "shop/two": await ports("shop/two"),
      "data/three": await ports("data/three"),
      "data/four": await ports("data/four"),
      "shop/none": [],
      "shop/copy": await ports("shop/copy"),
      "data/copy": await ports("data/copy"),
    };
    const mesh = await BareMesh.start(worldObjects());
    const live = new LiveMesh(mesh, world, backends, sightings);
    try {
      await live.#startProxies();
    } catch (error) {
      await live[Symbol.asyncDispose]();
      throw error;
    }
    return live;
  }

  /** Exactly these beside the world from now on, which is as it was at first. */
  async become(objects: readonly Applied[]): Promise<void> {
    const wanted = overlaid(worldObjects(), objects);
    const removed = this.#present.filter((each) => !wanted.some((other) => isSameObject(each, other)));
    await this.#transact({ upserted: wanted, removed });
    this.#sightings.clear();
    this.#present = objects;
  }

  async apply(change: Change): Promise<void> {
    const { upserted, removed } = change;
    await this.#transact(change);
    this.#sightings.clear();
    const kept = this.#present.filter((each) => !removed.some((other) => isSameObject(each, other)));
    this.#present = overlaid(kept, upserted);
  }

  /** What the control plane says that the change would do to these requests. */
  async plan({ upserted, removed }: Change, questions: readonly Question[]): Promise<PlanReport> {
    return await this.#mesh.client.plan({
      objects: [...upserted],
      deletions: removed.map(deletionOf),
      traffic: questions.map((question) => simulatedRequest(question)),
    });
  }

  /** A plan is about what will be made after all that is there: until the second in which the last of that was made is over. */
  async untilAllIsOlder(): Promise<void> {
    const made = (await this.stored()).map(({ metadata }) => Date.parse(metadata.creationTimestamp));
    const nextMs = Math.max(...made) + 1_000;
    if (nextMs > Date.now()) await Bun.sleep(nextMs - Date.now());
  }

  /** What the server has, with the times at which it was made. */
  async stored(): Promise<Stored[]> {
    const lists = await Promise.all(
      storedKinds.map(async (kind) => (await this.#mesh.client.list(kind, {})).items),
    );
    return lists.flat();
  }

  async trustDomain(): Promise<string> {
    return (await this.#mesh.client.status()).trustDomain;
  }

  /** `copies`: of how many it must be waited for, since nobody is told when one arrives. */
  async ask(question: Question, copies: number): Promise<LiveAnswer> {
    const { method, path, query, authority, requestId, isGrpc } = question;
    const headers = { ...Object.fromEntries(question.headers), "x-request-id": requestId };
    const spec = {
      ...{ to: "", from: "", port: question.port, method, host: authority, version: "1.1" as const, headers },
      path: query === "" ? path : `${path}?${query}`,
    };
    const place = this.#placeOf(question);
    const answer = isGrpc ? await call(place, spec) : await ask(place, spec);
    await this.#sightings.copies(requestId, copies);
    const seen = this.#sightings.take(requestId);
    const ofMirrors = seen.filter(({ backend }) => isCopy(backend));
    return { ...answer, seen: seen.filter((each) => !ofMirrors.includes(each)), copies: ofMirrors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mesh[Symbol.asyncDispose]();
    for (const backend of this.#backends) await backend[Symbol.asyncDispose]();
  }

  async #transact({ upserted, removed }: Change): Promise<void> {
    const { revision } = await this.#mesh.client.transact({
      message: "case",
      objects: [...upserted],
      deletions: removed.map(deletionOf),
      // Nobody works in this mesh who could be locked out.
      acceptLockout: true,
    });
    await eventually(async () => {
      const { proxies } = await this.#mesh.client.status();
      const behind = proxies.filter((proxy) => proxy.revision < revision);
      if (behind.length > 0) throw new Error(`${behind.length} proxies are behind revision ${revision}`);
    }, revisionTimeoutMs);
  }

  #placeOf({ from, service, port }: Question): Place {
    if (from.kind === "client") return { address: `${this.#mesh.network}.${gatewayHost}`, port };
    const listener = this.#listeners.get(`${from.workload} ${service}:${port}`);
    if (listener === undefined) throw new Error(`${from.workload} has no listener for ${service}:${port}`);
    return listener;
  }

  async #startProxies(): Promise<void> {
    const mesh = this.#mesh;
    const dialled = serviceNames.flatMap((service) =>
      Object.values(servicePorts).map((servicePort) => ({ service, servicePort })),
    );
    const door = mesh.startProxy("door", gatewayHost, {
      role: "gateway",
      gateway: { kind: "tcp", address: `${mesh.network}.${gatewayHost}` },
    });
    const sidecars = workloadParts(this.world).map(({ path, serviceAccount, labels, ports }, index) => {
      const [namespace = "", name = ""] = path.split("/");
      const address = `${mesh.network}.${2 + index}`;
      const outbound = dialled.map((destination, number) => {
        const place = { address, port: firstListener + number };
        this.#listeners.set(`${path} ${destination.service}:${destination.servicePort}`, place);
        return { ...place, ...destination };
      });
      const isClient = clients.some((each) => each === path);
      return mesh.startProxy(`${namespace}-${name}`, 2 + index, {
        workload: {
          namespace,
          name,
          serviceAccount,
          labels,
          ports,
          addresses: [address],
          region: "",
          zone: "",
        },
        ...(isClient ? { capture: { kind: "explicit", outbound } } : {}),
      });
    });
    await Promise.all([...sidecars, door]);
  }
}

function deletionOf(object: Applied): Deletion {
  const { kind, name, namespace } = objectKey(object);
  return { kind, name, ...(namespace === "" ? {} : { namespace }) };
}

const storedKinds = [
  ...([
    "Namespace",
    "ServiceAccount",
    "Service",
    "MeshWorkload",
    "GatewayClass",
    "Gateway",
    "MeshConfig",
  ] as const),
  ...([
    "HTTPRoute",
    "GRPCRoute",
    "ReferenceGrant",
    "TrafficPolicy",
    "FaultPolicy",
    "AuthorizationPolicy",
  ] as const),
];
