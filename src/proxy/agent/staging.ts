/** Holds what came since the last commit, decoded but not live. What cannot be used is kept out and named in the rejection. */
import { fromBinary } from "@bufbuild/protobuf";
import { errorLine } from "../../kernel/index.ts";
import { CommitSchema } from "../../model/index.ts";
import type { DeltaDiscoveryResponse } from "../../wire/index.ts";
import { modelKindOf, prepareResource, type ResourceKind } from "./resource.ts";
import type { ResourceChange } from "./resource-change.ts";

export interface Rejection {
  /** A resource's kind, or a type that is not known here. */
  readonly kind: string;
  readonly name: string;
  readonly why: string;
}

export interface Answer {
  readonly typeUrl: string;
  readonly nonce: string;
  /** Empty: all of it is usable. */
  readonly rejected: readonly Rejection[];
}

export interface StagedCommit {
  readonly revision: number;
  readonly changes: readonly ResourceChange[];
  /** One for each response, in their order; to be sent once the changes are live. */
  readonly answers: readonly Answer[];
}

export type StagingFault = "too_many_changes";

/** A commit carries what this proxy subscribed to: 4096 destinations with 64 endpoints each is far above any use. */
const maxStagedChanges = 262_144;

export class Staging {
  #changes: ResourceChange[] = [];
  #answers: Answer[] = [];

  /** Undefined: go on. A commit: everything since the last one. */
  push(response: DeltaDiscoveryResponse): StagedCommit | StagingFault | undefined {
    const kind = modelKindOf(response.typeUrl);
    if (kind === undefined) {
      const why = "this proxy does not know this type";
      this.#answer(response, [{ kind: response.typeUrl, name: "", why }]);
      return undefined;
    }
    if (kind === "Commit") return this.#commit(response);
    const count = response.resources.length + response.removedResources.length;
    if (this.#changes.length + count > maxStagedChanges) return "too_many_changes";
    this.#answer(response, this.#stage(kind, response));
    return undefined;
  }

  /** The stream ended: what was not committed never was. */
  discard(): void {
    this.#changes = [];
    this.#answers = [];
  }

  #stage(kind: ResourceKind, response: DeltaDiscoveryResponse): Rejection[] {
    const rejected: Rejection[] = [];
    for (const { name, version, resource } of response.resources) {
      try {
        const bytes = resource?.value ?? new Uint8Array();
        this.#changes.push({ type: "upsert", resource: prepareResource({ kind, name, version, bytes }) });
      } catch (error) {
        rejected.push({ kind, name, why: errorLine(error) });
      }
    }
    for (const name of response.removedResources) this.#changes.push({ type: "remove", kind, name });
    return rejected;
  }

  #commit(response: DeltaDiscoveryResponse): StagedCommit | undefined {
    const bytes = response.resources[0]?.resource?.value;
    let revision: number;
    try {
      revision = Number(fromBinary(CommitSchema, bytes ?? new Uint8Array()).revision);
    } catch (error) {
      this.#answer(response, [{ kind: "Commit", name: "", why: errorLine(error) }]);
      return undefined;
    }
    this.#answer(response, []);
    const commit = { revision, changes: this.#changes, answers: this.#answers };
    this.discard();
    return commit;
  }

  #answer({ typeUrl, nonce }: DeltaDiscoveryResponse, rejected: readonly Rejection[]): void {
    this.#answers.push({ typeUrl, nonce, rejected });
  }
}
