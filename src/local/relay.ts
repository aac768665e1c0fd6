/**
 * Serves on the host's network what listens inside the fabric: for each Unix socket `<address>:<port>.sock` in a
 * directory it listens on that address and passes bytes between the two, both ways, with back-pressure and half-close.
 */
import { type FSWatcher, readdirSync, watch } from "node:fs";
import { join } from "node:path";
import { type Log, parseIp, WeftError } from "../kernel/index.ts";
import { systemCode } from "./addresses.ts";
import type { SocketAddress } from "./fabric.ts";
import { Splice } from "./splice.ts";

export interface RelayOptions {
  readonly directory: string;
  readonly log: Log;
  /** A door in the directory could not be opened on the host; it is tried again when its socket appears anew. */
  readonly onRefused?: (door: SocketAddress, error: WeftError) => void;
}

/** Each costs two descriptors; Linux gives a process 1,024 unless asked for more, which Bun does. */
const maxConnections = 8192;

const socketSuffix = ".sock";

interface Door {
  readonly listener: { readonly port: number; stop(force: boolean): void };
  /** Stays open while its socket is missing: somebody asked for it by name. */
  readonly isReserved: boolean;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #doors = new Map<string, Door>();
  readonly #splices = new Set<Splice>();
  #watcher: FSWatcher | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /**
   * Takes an address on the host before anything stands behind it, so that a port in use is known before the mesh
   * starts; until then its connections are reset. Throws WeftError `address_in_use`, `permission`, `bad_input`.
   */
  reserve(door: SocketAddress): void {
    const name = doorName(door);
    if (!this.#doors.has(name)) this.#doors.set(name, { listener: this.#listen(door), isReserved: true });
  }

  /** Follows the directory, which must exist, from now on. */
  start(): void {
    this.#watcher = watch(this.#options.directory, () => this.#refresh());
    this.#refresh();
  }

  get connections(): number {
    return this.#splices.size;
  }

  /** Ends listeners and connections. Idempotent. */
  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    for (const door of this.#doors.values()) door.listener.stop(true);
    this.#doors.clear();
    for (const splice of [...this.#splices]) splice.terminate();
  }

  #refresh(): void {
    const present = new Set(this.#readDirectory());
    for (const [name, door] of this.#doors) {
      if (door.isReserved || present.has(name)) continue;
      door.listener.stop(false);
      this.#doors.delete(name);
    }
    for (const name of present) {
      const address = parseDoor(name);
      if (address === undefined || this.#doors.has(name)) continue;
      try {
        this.#doors.set(name, { listener: this.#listen(address), isReserved: false });
      } catch (error) {
        if (!(error instanceof WeftError)) throw error;
        this.#options.onRefused?.(address, error);
      }
    }
  }

  #readDirectory(): string[] {
    try {
      return readdirSync(this.#options.directory)
        .filter((file) => file.endsWith(socketSuffix))
        .map((file) => file.slice(0, -socketSuffix.length));
    } catch {
      // The directory goes when the mesh does.
      return [];
    }
  }

  #listen(door: SocketAddress): Door["listener"] {
    const unixPath = join(this.#options.directory, `${doorName(door)}${socketSuffix}`);
    try {
      return Bun.listen<Splice>({
        hostname: door.address,
        port: door.port,
        allowHalfOpen: true,
        socket: {
          open: (socket) => {
            if (this.#splices.size >= maxConnections) {
              this.#options.log.warn("the relay's limit of connections is reached", {
                limit: maxConnections,
              });
              socket.terminate();
              return;
            }
            const splice: Splice = new Splice(socket, unixPath, () => this.#splices.delete(splice));
            this.#splices.add(splice);
            socket.data = splice;
          },
          data: (socket, chunk) => socket.data?.onNearData(chunk),
          drain: (socket) => socket.data?.onNearDrain(),
          end: (socket) => socket.data?.onNearEnd(),
          close: (socket, error) => socket.data?.onNearClose(error),
          error: (socket) => socket.data?.terminate(),
        },
      });
    } catch (error) {
      throw listenError(door, error);
    }
  }
}

function doorName(door: SocketAddress): string {
  return `${door.address}:${door.port}`;
}

function parseDoor(name: string): SocketAddress | undefined {
  const colon = name.lastIndexOf(":");
  const address = name.slice(0, colon);
  const port = Number(name.slice(colon + 1));
  const isDoor =
    colon > 0 && parseIp(address) !== undefined && Number.isInteger(port) && port > 0 && port < 65_536;
  return isDoor ? { address, port } : undefined;
}

function listenError(door: SocketAddress, cause: unknown): WeftError {
  const what = `listen on ${doorName(door)}`;
  switch (systemCode(cause)) {
    case "EADDRINUSE":
      return new WeftError("address_in_use", `${what}: the port is in use`, {
        cause,
        hint: "end the program that listens there or choose another port",
      });
    case "EACCES":
    case "EPERM":
      return new WeftError("permission", `${what}: not permitted`, {
        cause,
        hint: "ports below 1024 need more rights; choose a higher one",
      });
    case "EADDRNOTAVAIL":
      return new WeftError("bad_input", `${what}: this machine has no such address`, { cause });
    default:
      return new WeftError("io", `${what}: ${systemCode(cause) ?? "failed"}`, { cause });
  }
}
