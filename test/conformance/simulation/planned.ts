/** `weft plan`'s core over files, as the command line asks it: the report of one change. */
import { keyOf, type PlanReport, type Stored } from "../../../src/api/index.ts";
import { runAtOnce } from "../../../src/kernel/index.ts";
import {
  addressed,
  planChange,
  proposedVersion,
  proxiesOfObjects,
  SimulatedMesh,
  TrackedMesh,
} from "../../../src/simulate/index.ts";
import { type Applied, isSameObject, overlaid, type Question } from "./applied.ts";
import type { Circumstances } from "./foretell.ts";
import type { Change } from "./random-change.ts";
import { storedObjects } from "./simulated.ts";
import { simulatedRequest } from "./simulated-request.ts";

export class PlannedMesh {
  readonly #objects: readonly Applied[];
  readonly #base: readonly Stored[];
  readonly #mesh: TrackedMesh;
  readonly #circumstances: Circumstances;

  constructor(objects: readonly Applied[], circumstances: Circumstances) {
    this.#objects = objects;
    this.#base = addressed(storedObjects(objects));
    this.#circumstances = circumstances;
    this.#mesh = new TrackedMesh({ trustDomain: circumstances.trustDomain });
    runAtOnce(this.#mesh.sync(this.#base));
  }

  /** The mesh is afterwards as it was. */
  plan({ upserted, removed }: Change, questions: readonly Question[]): PlanReport {
    const { trustDomain, nowMs } = this.#circumstances;
    const proposed = storedObjects(upserted).map((object) =>
      proposedVersion(object, this.#mesh.object(keyOf(object)), nowMs),
    );
    return runAtOnce(
      planChange({
        mesh: this.#mesh,
        changes: {
          upserted: addressed(proposed, this.#base),
          removed: storedObjects(removed).map((object) => keyOf(object)),
        },
        outcomes: [],
        proxies: proxiesOfObjects(this.#mesh),
        requests: questions.map((question) => ({ request: simulatedRequest(question), count: 1 })),
        simulatorOf: ({ compiler, registry }) => {
          const input = { objects: this.#base, trustDomain, nowMs };
          const simulated = SimulatedMesh.over({ compiler, registry }, input);
          return (request) => simulated.simulate(request);
        },
        plaintextCallers: new Set(),
        revision: 0,
      }),
    );
  }

  /** As objects are when the change is made: what there is keeps its age, what is new has none before. */
  after({ upserted, removed }: Change): Applied[] {
    const made = new Date(this.#circumstances.nowMs).toISOString();
    const aged = upserted.map((object): Applied => {
      const known = this.#objects.find((each) => isSameObject(each, object));
      const { creationTimestamp } = known === undefined ? { creationTimestamp: made } : known.metadata;
      const { creationTimestamp: _own, ...metadata } = object.metadata;
      return withMetadata(object, {
        ...metadata,
        ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      });
    });
    const kept = this.#objects.filter((each) => !removed.some((other) => isSameObject(each, other)));
    return overlaid(kept, aged);
  }
}

function withMetadata<T extends Applied>(object: T, metadata: Applied["metadata"]): T {
  return { ...object, metadata };
}
