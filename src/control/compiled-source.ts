/** What distribute/ reads of the configuration: the compiler's resources, and its changes by name. */
import type { Compiler, CompileOutput, ResourceName as CompiledName } from "../compile/index.ts";
import type {
  ResourceKind,
  ResourceName,
  ResourceSource,
  SourceChange,
  SourceResource,
} from "../distribute/index.ts";
import type { ConfigurationListener } from "./configuration.ts";

/** The mesh's configuration, or one that is laid over it. */
export interface CompiledConfiguration {
  readonly compiler: Compiler;
  readonly revision: number;
  subscribe(listener: ConfigurationListener): () => void;
}

export class CompiledSource implements ResourceSource {
  readonly #configuration: CompiledConfiguration;

  constructor(configuration: CompiledConfiguration) {
    this.#configuration = configuration;
  }

  get revision(): number {
    return this.#configuration.revision;
  }

  get(kind: ResourceKind, key: string): SourceResource | undefined {
    return this.#configuration.compiler.get({ kind, key });
  }

  members(cluster: string): readonly string[] {
    return this.#configuration.compiler.members(cluster);
  }

  gateways(): readonly string[] {
    return this.#configuration.compiler.gateways();
  }

  forget(kind: ResourceKind, key: string): void {
    this.#configuration.compiler.forget({ kind, key });
  }

  forgetMembers(cluster: string): void {
    this.#configuration.compiler.forgetMembers(cluster);
  }

  subscribe(listener: (change: SourceChange) => void): () => void {
    return this.#configuration.subscribe((output, revision) => {
      listener({
        revision,
        changed: changedNames(output),
        memberships: output.memberships,
        gatewaysChanged: output.gatewaysChanged,
      });
    });
  }
}

function changedNames(output: CompileOutput): ResourceName[] {
  const names: readonly CompiledName[] = [...output.upserted, ...output.removed];
  // Nothing compiles to a Commit; distribute/ makes its own.
  return names.flatMap(({ kind, key }) => (kind === "Commit" ? [] : [{ kind, key }]));
}
