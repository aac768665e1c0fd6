/** What a tap writes beside the screen: an HTTP Archive, and a record of the traffic for `weft replay`. Both are their owner's alone. */
import { closeSync, fchmodSync, openSync, writeSync } from "node:fs";
import type { TapEvent, TapRecordView } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { harEntry, harFrame } from "./har.ts";

export interface TapFile {
  record(record: TapRecordView): void;
  loss(event: TapEvent): void;
  close(): void;
}

/** Grows when a reader of before would misunderstand; docs/reference/tap.md has the format. */
const trafficVersion = 1;

export function openHar(file: string, version: string): TapFile {
  const fd = open(file);
  const { head, tail } = harFrame(version);
  let separator = "\n";
  writeSync(fd, head);
  return {
    record(record) {
      const entry = harEntry(record);
      if (entry === undefined) return;
      writeSync(fd, `${separator}${JSON.stringify(entry)}`);
      separator = ",\n";
    },
    loss() {},
    close() {
      writeSync(fd, tail);
      closeSync(fd);
    },
  };
}

/** `asked`: what the tap was narrowed to, for whoever reads the file. */
export function openTraffic(file: string, version: string, asked: object): TapFile {
  const fd = open(file);
  const line = (value: object): void => void writeSync(fd, `${JSON.stringify(value)}\n`);
  line({
    format: "weft-traffic",
    version: trafficVersion,
    writer: version,
    startedAt: new Date().toISOString(),
    asked,
  });
  return {
    record: (record) => line({ record }),
    loss: ({ proxy, count }) => line({ loss: { proxy, count } }),
    close: () => closeSync(fd),
  };
}

function open(file: string): number {
  try {
    const fd = openSync(file, "w", 0o600);
    // One that was there keeps its rights otherwise.
    fchmodSync(fd, 0o600);
    return fd;
  } catch (cause) {
    throw new WeftError("io", `${file} cannot be written`, {
      cause,
      hint: "is its directory there and writable?",
    });
  }
}
