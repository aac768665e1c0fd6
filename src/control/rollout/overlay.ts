/** The mesh as it would be with other objects laid over those that are stored: compiled beside the real one, and following its changes. */
import { keyOf, keyText, type Stored } from "../../api/index.ts";
import { type CompileChange, Compiler, type CompileOutput } from "../../compile/index.ts";
import type { RegistryViews } from "../../registry/index.ts";
import type { CompiledConfiguration } from "../compiled-source.ts";
import type { Configuration, ConfigurationListener } from "../configuration.ts";

export interface OverlayOptions {
  readonly configuration: Configuration;
  readonly registry: RegistryViews;
  readonly trustDomain: string;
  readonly trustRoots: readonly Uint8Array[];
  readonly objects: readonly Stored[];
}

export class Overlay implements CompiledConfiguration {
  readonly compiler: Compiler;
  readonly #configuration: Configuration;
  readonly #laidOver: ReadonlySet<string>;
  readonly #listeners = new Set<ConfigurationListener>();
  readonly #unfollow: () => void;

  constructor({ configuration, registry, trustDomain, trustRoots, objects }: OverlayOptions) {
    this.#configuration = configuration;
    this.#laidOver = new Set(objects.map((object) => keyText(keyOf(object))));
    this.compiler = new Compiler({ trustDomain, trustRoots, registry });
    this.compiler.apply(this.#without(configuration.everything()));
    this.compiler.apply({ upserted: objects });
    this.#unfollow = configuration.follow((change, revision) => this.#apply(change, revision));
  }

  /** The base's: what is tried out is no revision yet. */
  get revision(): number {
    return this.#configuration.revision;
  }

  subscribe(listener: ConfigurationListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#unfollow();
    this.#listeners.clear();
  }

  #apply(change: CompileChange, revision: number): void {
    const output: CompileOutput = this.compiler.apply(this.#without(change));
    for (const listener of this.#listeners) listener(output, revision, change.registry);
  }

  #without(change: CompileChange): CompileChange {
    const { upserted = [], removed = [] } = change;
    return {
      ...change,
      upserted: upserted.filter((object) => !this.#laidOver.has(keyText(keyOf(object)))),
      removed: removed.filter((key) => !this.#laidOver.has(keyText(key))),
    };
  }
}
