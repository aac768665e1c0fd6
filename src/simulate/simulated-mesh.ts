/** A compiled mesh that can be asked what becomes of a request. No sockets, no clock, no randomness. */
import type { Explanation, ObjectKey, SimulatedRequest, Stored } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { meshKey } from "../model/index.ts";
import { CompiledMesh, type CompiledSource, ObjectMesh } from "./compiled-mesh.ts";
import { effectiveOf, proxiesOf } from "./effective.ts";
import type { EffectiveConfiguration, MeshChanges, MeshProblem, SimulationInput } from "./input.ts";
import { journey } from "./journey.ts";
import { problemsOf } from "./problems.ts";
import { Scene } from "./scene.ts";
import { Sources } from "./sources.ts";

export class SimulatedMesh {
  readonly #input: SimulationInput;
  readonly #objects: ReadonlyMap<string, Stored>;
  readonly #mesh: CompiledMesh;
  readonly #scene: Scene;

  private constructor(input: SimulationInput, objects: ReadonlyMap<string, Stored>, mesh: CompiledMesh) {
    const model = mesh.get("Mesh", meshKey);
    if (model === undefined) throw new WeftError("internal", "the mesh itself did not compile");
    this.#input = input;
    this.#objects = objects;
    this.#mesh = mesh;
    const sources = new Sources(input.originOf, (key) => objects.get(key));
    this.#scene = new Scene({ mesh, model, sources, nowMs: input.nowMs });
  }

  /** Compiles the objects. Virtual addresses are given to those that have none. */
  static of(input: SimulationInput): SimulatedMesh {
    const { objects, mesh } = ObjectMesh.compile(input);
    return new SimulatedMesh(input, objects, mesh);
  }

  /** Over what a control plane has compiled: its last good versions, its key sets, its knowledge of who is alive. */
  static over(
    source: CompiledSource,
    input: Omit<SimulationInput, "objects">,
  ): Pick<SimulatedMesh, "simulate"> {
    return new SimulatedMesh({ ...input, objects: [] }, new Map(), new CompiledMesh(source));
  }

  /** The mesh as it would be with these changes, made behind what is there now; this one stays as it is. */
  with(changes: MeshChanges): SimulatedMesh {
    const { objects, mesh } = ObjectMesh.compile({ ...this.#input, objects: this.objects }, changes);
    return new SimulatedMesh({ ...this.#input, objects: [...objects.values()] }, objects, mesh);
  }

  /** Objects as they are in it, with what a store adds. */
  get objects(): readonly Stored[] {
    return [...this.#objects.values()];
  }

  /** Throws `bad_input` where the request does not say who calls or where to. */
  simulate(request: SimulatedRequest): Explanation {
    return journey(this.#scene, request, this.#input.revision);
  }

  /** Conditions that are false, and what is in quarantine; sorted by object. */
  problems(): readonly MeshProblem[] {
    return problemsOf(this.#mesh, this.#objects.values());
  }

  /** "namespace/name" of every workload and of every Gateway of weft's classes, sorted. */
  proxies(): readonly { readonly kind: "workload" | "gateway"; readonly name: string }[] {
    return proxiesOf(this.#mesh);
  }

  /**
   * `name` is "namespace/name" of a workload or Gateway. `services`: those whose ports it dials, "namespace/name"; absent: all.
   */
  effective(name: string, services?: readonly string[]): EffectiveConfiguration {
    return effectiveOf(this.#mesh, name, services);
  }

  isQuarantined(key: ObjectKey): boolean {
    return this.#mesh.isQuarantined(key);
  }
}
