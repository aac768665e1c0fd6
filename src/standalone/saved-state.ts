/** The state of a configuration of files as bytes: a twentieth of what the objects take in memory. */
import { gunzipSync, gzipSync } from "node:zlib";
import { parseObject, storedOf } from "../api/index.ts";
import type { GatewayHost, KeySetChange } from "../compile/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { FileConfigurationState } from "./file-configuration.ts";
import type { Entry } from "./object-ledger.ts";

interface SavedEntry {
  readonly written: unknown;
  readonly generation: number;
}

export function encodeState(state: FileConfigurationState): Uint8Array {
  const { revision, entries, inForce, gatewayHost, keySets } = state;
  const saved = (entry: Entry): SavedEntry => ({
    written: entry.written,
    generation: entry.stored.metadata.generation,
  });
  const text = JSON.stringify({
    revision,
    entries: entries.map(saved),
    inForce: inForce.map(saved),
    gatewayHost,
    keySets,
  });
  return gzipSync(text, { level: 1 });
}

/** Throws `internal` for what `encodeState` did not make. */
export function decodeState(bytes: Uint8Array): FileConfigurationState {
  const value: unknown = JSON.parse(gunzipSync(bytes).toString());
  if (typeof value !== "object" || value === null) throw unreadable();
  if (!("revision" in value) || typeof value.revision !== "number") throw unreadable();
  if (!("entries" in value) || !("inForce" in value)) throw unreadable();
  return {
    revision: value.revision,
    entries: readEntries(value.entries),
    inForce: readEntries(value.inForce),
    gatewayHost: "gatewayHost" in value ? readHost(value.gatewayHost) : undefined,
    keySets: "keySets" in value ? readKeySets(value.keySets) : [],
  };
}

function readKeySets(value: unknown): KeySetChange[] {
  if (!Array.isArray(value)) throw unreadable();
  return value.map((each: unknown) => {
    if (typeof each !== "object" || each === null || !("uri" in each)) throw unreadable();
    const document = "document" in each ? each.document : undefined;
    const error = "error" in each ? each.error : undefined;
    return { uri: String(each.uri), document: textOr(document), error: textOr(error) };
  });
}

function textOr(value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw unreadable();
}

function readHost(value: unknown): GatewayHost {
  if (typeof value !== "object" || value === null) throw unreadable();
  if (!("address" in value) || typeof value.address !== "string") throw unreadable();
  if (!("addresses" in value)) return { address: value.address };
  const { address, addresses } = value;
  if (!Array.isArray(addresses)) throw unreadable();
  return { address, addresses: addresses.map(String) };
}

function readEntries(value: unknown): Entry[] {
  if (!Array.isArray(value)) throw unreadable();
  return value.map((each: unknown) => {
    if (typeof each !== "object" || each === null) throw unreadable();
    if (!("written" in each) || !("generation" in each) || typeof each.generation !== "number") {
      throw unreadable();
    }
    const parsed = parseObject(each.written, "read");
    if ("issues" in parsed) throw unreadable();
    return { written: parsed.object, stored: storedOf(parsed.object, each.generation) };
  });
}

function unreadable(): WeftError {
  return new WeftError("internal", "the state of the compiler before cannot be read");
}
