/** What connections of one listener, or of one `connect`, have in common: clock, bounds, and who is told of defects. */
import { type Clock, systemClock } from "../kernel/index.ts";

/**
 * Enough to keep a fast link busy while the producer is told to go on (the kernel holds up to 4 MB of its own), little
 * enough that 1,000 stalled receivers cost 256 MB at most.
 */
export const defaultHighWaterBytes = 256 * 1024;

/** A receiver that takes nothing for a minute is gone or stuck; Bun may also report a broken TLS session as full. */
export const defaultWriteStallTimeoutMs = 60_000;

/** Settings that tests and special listeners change; everybody else leaves them out. */
export interface ConnectionSettings {
  readonly clock?: Clock;
  readonly highWaterBytes?: number;
  readonly writeStallTimeoutMs?: number;
  /** A sink threw: a defect. The connection was terminated. Default: a process warning on stderr. */
  readonly onDefect?: (error: unknown) => void;
}

/** What a listener must be able to do with its connections. */
interface Terminable {
  terminate(): void;
}

/** How many handshakes a listener carries at once, and for how long each. */
export interface HandshakeBounds {
  readonly maxHandshakes: number;
  readonly handshakeTimeoutMs: number;
  /** In the place of the settings' own. */
  readonly highWaterBytes?: number;
}

/** What a listener counts when it ends a connection for it. */
export type ListenLimit = "maxConnections" | "maxHandshakes" | "handshakeTimeout" | "writeStallTimeout";

interface HostSettings extends ConnectionSettings {
  readonly onLimit?: (limit: ListenLimit) => void;
}

export class ConnectionHost {
  readonly clock: Clock;
  readonly #highWaterBytes: number;
  readonly writeStallTimeoutMs: number;
  readonly onDefect: (error: unknown) => void;
  readonly #bounds: () => HandshakeBounds;
  readonly #onLimit: ((limit: ListenLimit) => void) | undefined;
  /** All connections that are open, those in a handshake included; undefined where nobody wants to know. */
  readonly connections: Set<Terminable> | undefined;
  /** They were accepted here. */
  readonly isListener: boolean;
  /** Server handshakes in progress. */
  handshakes: number;

  /** `bounds` is asked for each connection, so that they may change while a listener stays open. */
  constructor(
    settings: HostSettings,
    bounds: () => HandshakeBounds,
    connections?: Set<Terminable>,
    isListener = connections !== undefined,
  ) {
    this.isListener = isListener;
    this.clock = settings.clock ?? systemClock;
    this.#highWaterBytes = settings.highWaterBytes ?? defaultHighWaterBytes;
    this.writeStallTimeoutMs = settings.writeStallTimeoutMs ?? defaultWriteStallTimeoutMs;
    this.onDefect = settings.onDefect ?? warn;
    this.#bounds = bounds;
    this.#onLimit = settings.onLimit;
    this.connections = connections;
    this.handshakes = 0;
  }

  get highWaterBytes(): number {
    return this.#bounds().highWaterBytes ?? this.#highWaterBytes;
  }

  get bounds(): HandshakeBounds {
    return this.#bounds();
  }

  /** A connection was ended for this limit. */
  limitReached(limit: ListenLimit): void {
    this.#onLimit?.(limit);
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
