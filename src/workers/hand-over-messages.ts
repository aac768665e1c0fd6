/**
 * What two gateways say to each other when one takes over from the other, a line of JSON each, over a socket that only their owner can
 * open. The versions of the two may differ: what is not understood is refused, and then the old one goes on.
 *
 *   new: takeover -> old: agreed | refused
 *   new: bound    -> old: released        (its listeners and ports are closed, its lock is free; it finishes what is in flight)
 */
import type { Doors, Place } from "./messages.ts";

/** Grows when an older process would misunderstand. */
export const handOverVersion = 1;

export interface TakenPlace extends Place {
  /** How many listeners are there. */
  readonly count: number;
}

/** Of a proxy in a mesh. What an older process does not tell is not known. */
export interface Handed {
  /** Of the configuration that it runs and has written to its folder. */
  readonly revision?: number;
  /** What was bound, for whoever was told port 0. */
  readonly doors?: Doors;
}

export type ToOld =
  | { readonly kind: "takeover"; readonly version: number }
  /** `kept`: where the new one listens too, with `count` listeners each. */
  | { readonly kind: "bound"; readonly kept: readonly Place[]; readonly count: number };

export type ToNew =
  | {
      readonly kind: "agreed";
      readonly pid: number;
      readonly places: readonly TakenPlace[];
      readonly handed?: Handed;
    }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "released" };

/** A gateway has a few listeners; more than this is no message of ours. */
export const maxLineBytes = 65_536;

export function parseToOld(line: string): ToOld | undefined {
  const value = parseRecord(line);
  if (value?.["kind"] === "takeover" && typeof value["version"] === "number") {
    return { kind: "takeover", version: value["version"] };
  }
  if (value?.["kind"] !== "bound") return undefined;
  const kept = parsePlaces(value["kept"]);
  const count = value["count"];
  return kept === undefined || !isCount(count) ? undefined : { kind: "bound", kept, count };
}

export function parseToNew(line: string): ToNew | undefined {
  const value = parseRecord(line);
  switch (value?.["kind"]) {
    case "agreed": {
      const places = parsePlaces(value["places"]);
      const { pid } = value;
      if (places === undefined || typeof pid !== "number") return undefined;
      return { kind: "agreed", pid, places, handed: parseHanded(value["handed"]) };
    }
    case "refused":
      return { kind: "refused", why: String(value["why"]) };
    case "released":
      return { kind: "released" };
    default:
      return undefined;
  }
}

function parseHanded(value: unknown): Handed {
  if (!isRecord(value)) return {};
  const { revision } = value;
  const doors = parseDoors(value["doors"]);
  return { ...(typeof revision === "number" ? { revision } : {}), ...(doors === undefined ? {} : { doors }) };
}

function parseDoors(value: unknown): Doors | undefined {
  if (!isRecord(value)) return undefined;
  const outbound = parsePlaces(value["outbound"]);
  const tunnel = parsePlaces([value["tunnel"]])?.[0];
  const { plaintextPort } = value;
  if (outbound === undefined) return undefined;
  return { outbound, tunnel, plaintextPort: isCount(plaintextPort) ? plaintextPort : undefined };
}

function parsePlaces(value: unknown): TakenPlace[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const places = value.flatMap((each: unknown): TakenPlace[] => {
    if (!isRecord(each)) return [];
    const { address, port, count = 1 } = each;
    return typeof address === "string" && isCount(port) && isCount(count) ? [{ address, port, count }] : [];
  });
  return places.length === value.length ? places : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 65_535;
}

function parseRecord(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
