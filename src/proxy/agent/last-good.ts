/**
 * The last good configuration on disk, so that the proxy starts and serves with the control plane down. The file is
 * the SHA-256 of what follows, then a DeltaDiscoveryResponse that holds every live resource: the form in which they came.
 *
 * What is new may be lost at a crash and is asked for again. What was overruled may not come back: such a change is
 * written at once, and acknowledged once the disk does not say otherwise any more.
 */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { readPrivateFileSync, writePrivateFile } from "../../identity/x509/index.ts";
import { type Clock, errorLine, type Log, type Timer } from "../../kernel/index.ts";
import { typeUrl } from "../../model/index.ts";
import { DeltaDiscoveryResponseSchema, ResourceSchema } from "../../wire/index.ts";
import { modelKindOf, prepareResource, type Resource } from "./resource.ts";

export interface LastGood {
  readonly revision: number;
  readonly resources: readonly Resource[];
}

export interface LastGoodOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What is live, at the time of writing. */
  readonly current: () => { readonly revision: number; readonly resources: Iterable<Resource> };
}

const digestBytes = 32;
/** A burst of changes is one write. */
const gatherMs = 50;
/** Between writes; losing this much at a crash costs a few differences from the control plane. */
const minPauseMs = 1_000;
/** At most this share of the time goes into writing, however large the configuration and slow the disk. */
const maxWritingShare = 0.02;
/** For what was overruled: of the event loop's time, which the encoding alone takes; */
const maxEncodingShare = 0.2;
/** but the next change waits no longer than this: it is sent once this one is acknowledged. */
const maxUrgentPauseMs = 100;

export class LastGoodFile {
  readonly #options: LastGoodOptions;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #isStale = false;
  #isClosed = false;
  /** What is on disk was overruled; resolved when it is there no more. The second: by what is being written. */
  #overruled: PromiseWithResolvers<void> | undefined;
  #ending: PromiseWithResolvers<void> | undefined;
  /** Both in monotonic microseconds: a wall clock that is set back must not put off a write, nor its acknowledgement, by as much. */
  #nextWriteUs = 0;
  #nextUrgentWriteUs = 0;

  constructor(options: LastGoodOptions) {
    this.#options = options;
  }

  /** Undefined where there is none, or none that can be used. */
  load(): LastGood | undefined {
    const { path, log } = this.#options;
    try {
      const bytes = readPrivateFileSync(path);
      return bytes === undefined ? undefined : this.#parse(bytes);
    } catch (error) {
      log.warn("the last good configuration cannot be read; starting without it", {
        path,
        error: errorLine(error),
      });
      return undefined;
    }
  }

  /** Something changed: write before long. */
  markStale(): void {
    if (this.#isClosed) return;
    this.#isStale = true;
    if (this.#timer !== undefined || this.#writing !== undefined) return;
    const nowUs = this.#options.clock.monotonicUs();
    if (this.#overruled === undefined)
      this.#writeAfter(Math.max(gatherMs, (this.#nextWriteUs - nowUs) / 1_000));
    else if (nowUs >= this.#nextUrgentWriteUs) void this.flush();
    else this.#writeAfter((this.#nextUrgentWriteUs - nowUs) / 1_000);
  }

  /** What is on disk must not come back: write now. */
  markOverruled(): void {
    if (this.#isClosed) return;
    if (this.#overruled === undefined) {
      this.#overruled = Promise.withResolvers();
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    this.markStale();
  }

  /**
   * Resolves when nothing on disk was overruled by what was live at the call; undefined: nothing is. Where the file can
   * neither be written nor removed, that is logged and no reason to wait: a proxy that acknowledges nothing is sent nothing.
   */
  settled(): Promise<void> | undefined {
    return (this.#overruled ?? this.#ending)?.promise;
  }

  /** Resolves when what is live now is on disk, or could not be put there. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
    if (this.#isStale) this.markStale();
  }

  /** What is on disk stays as it is: it is another process's, and so is what it says. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isStale = false;
    this.#overruled?.resolve();
    this.#overruled = undefined;
  }

  #writeAfter(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = undefined;
      void this.flush();
    });
  }

  async #write(): Promise<void> {
    const { clock, log, path } = this.#options;
    this.#ending = this.#overruled;
    this.#overruled = undefined;
    const startUs = clock.monotonicUs();
    let encodedUs = startUs;
    try {
      const bytes = this.#encode();
      encodedUs = clock.monotonicUs();
      await writePrivateFile(path, bytes);
    } catch (error) {
      log.warn("the last good configuration could not be written", { path, error: errorLine(error) });
      if (this.#ending !== undefined) await this.#remove();
    }
    const endedUs = clock.monotonicUs();
    this.#nextWriteUs = endedUs + Math.max(minPauseMs * 1_000, (endedUs - startUs) / maxWritingShare);
    this.#nextUrgentWriteUs =
      endedUs + Math.min(maxUrgentPauseMs * 1_000, (encodedUs - startUs) / maxEncodingShare);
    this.#ending?.resolve();
    this.#ending = undefined;
  }

  /** Better none than one that lets in whom it must not: a start without it waits for the control plane. */
  async #remove(): Promise<void> {
    const { log, path } = this.#options;
    try {
      await rm(path, { force: true });
    } catch (error) {
      log.error(
        "a configuration that was overruled stays on disk; a restart with no control plane brings it back",
        {
          path,
          error: errorLine(error),
        },
      );
    }
  }

  #encode(): Uint8Array {
    const { revision, resources } = this.#options.current();
    const body = toBinary(
      DeltaDiscoveryResponseSchema,
      create(DeltaDiscoveryResponseSchema, {
        systemVersionInfo: String(revision),
        resources: [...resources].map(({ kind, name, version, bytes }) =>
          create(ResourceSchema, {
            name,
            version,
            resource: create(AnySchema, { typeUrl: typeUrl(kind), value: Uint8Array.from(bytes) }),
          }),
        ),
      }),
    );
    return Buffer.concat([digest(body), body]);
  }

  #parse(bytes: Uint8Array): LastGood | undefined {
    const { path, log } = this.#options;
    const body = bytes.subarray(digestBytes);
    if (Buffer.compare(bytes.subarray(0, digestBytes), digest(body)) !== 0) {
      log.warn("the last good configuration is damaged; starting without it", { path });
      return undefined;
    }
    const stored = fromBinary(DeltaDiscoveryResponseSchema, body);
    const resources: Resource[] = [];
    for (const { name, version, resource } of stored.resources) {
      const kind = modelKindOf(resource?.typeUrl ?? "");
      // Written by a newer version, perhaps: what is not known here is left out and asked for again.
      if (kind === undefined || kind === "Commit" || resource === undefined) continue;
      try {
        resources.push(prepareResource({ kind, name, version, bytes: resource.value }));
      } catch (error) {
        log.warn("a resource of the last good configuration cannot be used", {
          kind,
          name,
          error: errorLine(error),
        });
      }
    }
    return { revision: Number(stored.systemVersionInfo) || 0, resources };
  }
}

function digest(body: Uint8Array): Uint8Array {
  return createHash("sha256").update(body).digest();
}
