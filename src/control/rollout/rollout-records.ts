/** ConfigRollouts in the store: the one that is under way, and the newest of those that have ended. Each write is an operational one. */
import { createHash } from "node:crypto";
import {
  type ApiObject,
  type ConfigRollout,
  isStored,
  keyOf,
  maxRolloutBytes,
  type ObjectKey,
  parseObject,
  type Stored,
} from "../../api/index.ts";
import { secondsText, WeftError } from "../../kernel/index.ts";
import type { OperationalWrite, Store } from "../../store/index.ts";

export type StoredRollout = Stored<ConfigRollout>;

const maxEnded = 20;

/** Newest first. */
export function rolloutsIn(store: Pick<Store, "list">): StoredRollout[] {
  return store.list({ kind: "ConfigRollout" }).items.toSorted((a, b) => numberOf(b) - numberOf(a));
}

export function activeIn(store: Pick<Store, "list">): StoredRollout | undefined {
  return rolloutsIn(store).find(({ status }) => status.phase === "Watching");
}

export function nextName(store: Pick<Store, "list">): string {
  const [newest] = rolloutsIn(store);
  return `canary-${(newest === undefined ? 0 : numberOf(newest)) + 1}`;
}

function numberOf({ metadata }: ConfigRollout): number {
  return Number(/\d+$/.exec(metadata.name)?.[0] ?? 0);
}

/** Throws `exhausted` where it is too large, `conflict` where it was written by somebody else meanwhile. */
export async function writeRollout(
  store: Store,
  rollout: ConfigRollout,
  expectedResourceVersion: string,
): Promise<void> {
  const text = JSON.stringify(rollout);
  if (Buffer.byteLength(text) > maxRolloutBytes) {
    throw new WeftError("exhausted", `what is tried out is larger than ${maxRolloutBytes} bytes`, {
      hint: "try out fewer objects at once",
    });
  }
  const parsed = parseObject(JSON.parse(text), "read");
  if ("issues" in parsed)
    throw new WeftError("internal", "a rollout is not valid", { issues: parsed.issues });
  const ended = rolloutsIn(store).filter(({ metadata, status }) => {
    return status.phase !== "Watching" && metadata.name !== rollout.metadata.name;
  });
  const writes: OperationalWrite[] = ended
    .slice(maxEnded - 1)
    .map((each) => ({ type: "delete", key: keyOf(each) }));
  await store.writeOperational([{ type: "put", object: parsed.object, expectedResourceVersion }, ...writes]);
}

/** Tells whether an object is still what its author wrote; empty: it is not there. Statuses make no difference. */
export function stateOf(object: Stored | undefined): string {
  if (object === undefined) return "";
  const { uid, generation, labels, annotations } = object.metadata;
  return createHash("sha256")
    .update(JSON.stringify([uid, generation, labels, annotations]))
    .digest("hex")
    .slice(0, 32);
}

/** Objects of a rollout as they would be stored. Throws `bad_input`: it was written by another version of weft. */
export function triedObjects(
  { spec }: ConfigRollout,
  current: (key: ObjectKey) => Stored | undefined,
  nowMs: number,
): Stored[] {
  return spec.objects.map((input) => {
    const parsed = parseObject(input, "read");
    if ("issues" in parsed)
      throw new WeftError("bad_input", "what is tried out cannot be read", { issues: parsed.issues });
    return asStored(parsed.object, current(keyOf(parsed.object)), nowMs);
  });
}

function asStored(object: ApiObject, existing: Stored | undefined, nowMs: number): Stored {
  const { metadata } = object;
  const server = {
    uid: existing?.metadata.uid ?? "on-trial",
    resourceVersion: existing?.metadata.resourceVersion ?? "0",
    generation: (existing?.metadata.generation ?? 0) + 1,
    creationTimestamp: existing?.metadata.creationTimestamp ?? secondsText(nowMs),
  };
  const parsed = parseObject({ ...object, status: undefined, metadata: { ...metadata, ...server } }, "read");
  if ("object" in parsed && isStored(parsed.object)) return parsed.object;
  throw new WeftError("internal", "an object on trial lacks the server's metadata");
}
