/**
 * Which addresses a workload of the local mesh gets. Both kinds are handed out without a registry: the kernel keeps
 * two processes from taking the same one, and takes it back when its holder dies.
 */
import { formatIp, Prefix, WeftError } from "../kernel/index.ts";

/** Of workloads in namespaces. MeshConfig's `workloadCidrs` covers both. */
export const workloadPrefix4 = prefix("10.77.0.0/16");
export const workloadPrefix6 = prefix("fd77::/64");
/** Of workloads on the loopback interface, all of whose 127.0.0.0/8 Linux answers for. */
export const loopbackPrefix = prefix("127.77.0.0/16");

/** The fabric's own address is the first of each prefix. */
const fabricIndex = 1;
const firstIndex = 2;
/** The last one is the broadcast address. */
const lastIndex = 0xfffe;

/** Linux takes at most 1,024 ports on a bridge (BR_MAX_PORTS). */
export const maxWorkloads = 1000;
/** Loopback addresses that one fabric may hold: each costs a descriptor. */
const maxLoopbackAddresses = 4000;

export interface AddressPair {
  readonly v4: string;
  readonly v6: string;
}

export const fabricAddresses: AddressPair = workloadAddresses(fabricIndex);

export function workloadAddresses(index: number): AddressPair {
  return { v4: addressAt(workloadPrefix4, index), v6: addressAt(workloadPrefix6, index) };
}

/**
 * Offers indices that are in no use, starting behind the highest one, so that an address that went out of use stays
 * free for as long as possible: somebody may still remember whose it was.
 */
export function* freeIndices(inUse: ReadonlySet<number>): Generator<number> {
  const highest = Math.max(firstIndex - 1, ...inUse);
  for (let index = highest + 1; index <= lastIndex; index++) yield index;
  for (let index = firstIndex; index < highest; index++) if (!inUse.has(index)) yield index;
}

export interface AddressLease {
  readonly address: string;
  release(): void;
}

/**
 * Loopback addresses, each held by an abstract Unix socket of the address's name: there is one such name in a network
 * namespace, as there is one loopback, so leases hold between meshes and between users.
 */
export class LoopbackAddresses {
  readonly #held = new Set<number>();
  #last = firstIndex - 1;

  /** Throws WeftError `unavailable` where the system has one loopback address only, `exhausted`. */
  lease(): AddressLease {
    if (this.#held.size >= maxLoopbackAddresses) throw exhausted();
    for (const index of freeIndices(new Set([...this.#held, this.#last]))) {
      const address = addressAt(loopbackPrefix, index);
      const listener = holdName(address);
      if (listener === undefined) continue;
      try {
        checkBindable(address);
      } catch (error) {
        listener.stop(true);
        throw error;
      }
      this.#held.add(index);
      this.#last = index;
      return {
        address,
        release: () => {
          if (this.#held.delete(index)) listener.stop(true);
        },
      };
    }
    throw exhausted();
  }
}

const silentSocket = { data: () => {} };

/**
 * Takes a name that one process of a network namespace can have, until it is stopped or the process ends. Undefined where another
 * has it. Throws WeftError `unavailable`.
 */
export function holdName(name: string): { stop(force: boolean): void } | undefined {
  try {
    const listener = Bun.listen({ unix: `\0weft-${name}`, socket: silentSocket });
    // It marks a name, it serves nothing: alone it is no reason to go on running.
    listener.unref();
    return listener;
  } catch (error) {
    if (systemCode(error) === "EADDRINUSE") return undefined;
    throw new WeftError("unavailable", "this system has no abstract unix sockets", { cause: error });
  }
}

function checkBindable(address: string): void {
  try {
    Bun.listen({ hostname: address, port: 0, socket: silentSocket }).stop(true);
  } catch (cause) {
    throw new WeftError("unavailable", `this system does not answer for the loopback address ${address}`, {
      cause,
      hint: "weft's loopback isolation needs all of 127.0.0.0/8, as Linux has it; run weft in a Linux container",
    });
  }
}

export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function exhausted(): WeftError {
  return new WeftError("exhausted", "no free loopback address is left", {
    hint: "end some workloads or another mesh on this machine",
  });
}

function addressAt(prefix: Prefix, index: number): string {
  const bytes = prefix.at(index);
  if (bytes === undefined) throw new RangeError(`index ${index} lies outside ${prefix.toString()}`);
  return formatIp(bytes);
}

function prefix(text: string): Prefix {
  const parsed = Prefix.parse(text);
  if (parsed === undefined) throw new RangeError(`${text} is no prefix`);
  return parsed;
}
