/** A compiled mesh that can be asked what becomes of a request. No sockets, no clock, no randomness. */
import type { Explanation, ObjectKey, SimulatedRequest, Stored } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { EffectiveConfiguration, MeshChanges, MeshProblem, SimulationInput } from "./input.ts";

export class SimulatedMesh {
  readonly #input: SimulationInput;

  private constructor(input: SimulationInput) {
    this.#input = input;
  }

  static of(input: SimulationInput): SimulatedMesh {
    return new SimulatedMesh(input);
  }

  /** The mesh as it would be with these changes; this one stays as it is. */
  with(changes: MeshChanges): SimulatedMesh {
    throw new WeftError("internal", `not compiled yet: ${JSON.stringify(changes)}`);
  }

  /** Objects as they are in it, with what a store adds. */
  get objects(): readonly Stored[] {
    return this.#input.objects;
  }

  /** Throws `bad_input` where the request does not say who calls or where to. */
  simulate(request: SimulatedRequest): Explanation {
    throw new WeftError("internal", `not compiled yet: ${request.url}`);
  }

  /** Conditions that are false, and what is in quarantine. */
  problems(): readonly MeshProblem[] {
    return [];
  }

  /** "namespace/name" of every workload and of every Gateway of weft's classes, sorted. */
  proxies(): readonly { readonly kind: "workload" | "gateway"; readonly name: string }[] {
    return [];
  }

  /**
   * `name` is "namespace/name" of a workload or Gateway. `services`: those whose ports it dials, "namespace/name"; absent: all.
   */
  effective(name: string, services?: readonly string[]): EffectiveConfiguration {
    return { resources: [name, ...(services ?? [])].length === 0 ? [] : [] };
  }

  isQuarantined(key: ObjectKey): boolean {
    return key.name === "";
  }
}
