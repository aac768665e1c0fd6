/** Objects compiled into what proxies run, decoded and prepared on demand. One for each state of the mesh. */
import { type DescMessage, fromBinary, type MessageShape, toJson } from "@bufbuild/protobuf";
import { keyOf, keyText, type ObjectKey, type Stored, storedOf } from "../api/index.ts";
import { Compiler, type SettingSource, type StatusUpdate } from "../compile/index.ts";
import type { Endpoint, ModelKind } from "../model/index.ts";
import { modelSchemas } from "../model/index.ts";
import {
  ChangeSet,
  indexObject,
  RegistryIndex,
  type RegistryViews,
  unindexObject,
} from "../registry/index.ts";
import { addressed } from "./addressed.ts";
import type { MeshChanges, SimulationInput } from "./input.ts";

type Message<K extends ModelKind> = MessageShape<(typeof modelSchemas)[K]>;

/** What a mesh is compiled by: its own compiler, or a control plane's. */
export interface CompiledSource {
  readonly compiler: Pick<
    Compiler,
    "peek" | "peekMembers" | "peekSettingSources" | "gateways" | "isQuarantined" | "statuses" | "meshConfig"
  >;
  readonly registry: RegistryViews;
}

export class CompiledMesh {
  readonly registry: RegistryViews;
  readonly #compiler: CompiledSource["compiler"];
  readonly #decoded = new Map<string, unknown>();
  readonly #endpoints = new Map<string, readonly Endpoint[]>();

  constructor({ compiler, registry }: CompiledSource) {
    this.#compiler = compiler;
    this.registry = registry;
  }

  /** The same message for as long as this mesh lives, so that what is prepared from it can be kept by it. */
  get<K extends Exclude<ModelKind, "Commit">>(kind: K, key: string): Message<K> | undefined;
  get(kind: ModelKind, key: string): unknown {
    const id = `${kind} ${key}`;
    if (this.#decoded.has(id)) return this.#decoded.get(id);
    const resource = this.#compiler.peek({ kind, key });
    const message = resource && fromBinary(modelSchemas[kind], resource.bytes);
    this.#decoded.set(id, message);
    return message;
  }

  version(kind: ModelKind, key: string): string | undefined {
    return this.#compiler.peek({ kind, key })?.version;
  }

  /** As protobuf writes JSON. */
  json(kind: ModelKind, key: string): unknown {
    const resource = this.#compiler.peek({ kind, key });
    const schema: DescMessage = modelSchemas[kind];
    return resource && toJson(schema, fromBinary(schema, resource.bytes));
  }

  closure(kind: ModelKind, key: string): { clusters: readonly string[]; certificates: readonly string[] } {
    return this.#compiler.peek({ kind, key })?.closure ?? { clusters: [], certificates: [] };
  }

  endpoints(cluster: string): readonly Endpoint[] {
    const known = this.#endpoints.get(cluster);
    if (known !== undefined) return known;
    const found = this.#compiler.peekMembers(cluster).flatMap((key) => this.get("Endpoint", key) ?? []);
    this.#endpoints.set(cluster, found);
    return found;
  }

  endpointKeys(cluster: string): readonly string[] {
    return this.#compiler.peekMembers(cluster);
  }

  /** The nearest first. */
  settingSources(of: Parameters<Compiler["peekSettingSources"]>[0]): readonly SettingSource[] {
    return this.#compiler.peekSettingSources(of);
  }

  gateways(): readonly string[] {
    return this.#compiler.gateways();
  }

  statuses(): readonly StatusUpdate[] {
    return this.#compiler.statuses();
  }

  isQuarantined(key: ObjectKey): boolean {
    return this.#compiler.isQuarantined(key);
  }
}

/** Kinds that the registry alone holds. */
const registryKinds: ReadonlySet<string> = new Set(["Service", "EndpointSlice", "MeshWorkload"]);

/** Objects, with a compiler and a registry of their own. */
export class ObjectMesh {
  readonly objects: ReadonlyMap<string, Stored>;
  readonly mesh: CompiledMesh;

  private constructor(objects: ReadonlyMap<string, Stored>, mesh: CompiledMesh) {
    this.objects = objects;
    this.mesh = mesh;
  }

  /** `changes` are made behind `input.objects` are compiled, as they would be made in a running mesh: what cannot compile leaves what was in force. */
  static compile(input: SimulationInput, changes: MeshChanges = {}): ObjectMesh {
    const { trustDomain, keySets = [], gatewayHost } = input;
    const registry = new RegistryIndex();
    const compiler = new Compiler({ trustDomain, trustRoots: [], registry });
    const objects = new Map(input.objects.map((object) => [keyText(keyOf(object)), object]));
    compiler.apply({ keySets, ...(gatewayHost === undefined ? {} : { gatewayHost }) });
    const step = (upserted: readonly Stored[], removed: readonly ObjectKey[]): void => {
      const change = new ChangeSet();
      for (const key of removed) unindexObject(registry, key, change);
      for (const object of upserted) indexObject(registry, object, healthOf(object, input), change);
      const compiled = upserted.filter(({ kind }) => !registryKinds.has(kind));
      compiler.apply({ upserted: compiled, removed, registry: change });
    };
    const first = [...objects.values()];
    const config = first.filter(({ kind }) => kind === "MeshConfig");
    step(config, []);
    step(addressed(first, objects.values()), []);
    const { upserted = [], removed = [] } = changes;
    if (upserted.length + removed.length > 0) {
      for (const key of removed) objects.delete(keyText(key));
      const next = upserted.map((written) => {
        const before = objects.get(keyText(keyOf(written)));
        return storedOf(written, (before?.metadata.generation ?? 0) + 1, before);
      });
      step(
        next.filter(({ kind }) => kind === "MeshConfig"),
        removed,
      );
      const stored = addressed(next, objects.values());
      for (const object of stored) objects.set(keyText(keyOf(object)), object);
      step(stored, []);
    }
    return new ObjectMesh(objects, new CompiledMesh({ compiler, registry }));
  }
}

function healthOf(object: Stored, { health }: SimulationInput) {
  if (object.kind !== "MeshWorkload" || health === undefined) return "live";
  return health.healthOf(`${object.metadata.namespace}/${object.metadata.name}`);
}
