/** Which bucket a request belongs to: the values of a limit's keys, read of the request or connection. */
import { createHash } from "node:crypto";
import { parseSpiffeId } from "../../kernel/index.ts";
import type { RateLimitKey } from "../../model/index.ts";
import { hostnameOf } from "../virtual-host.ts";
import { isPlainPath, readPath } from "./path-readings.ts";
import type { AdmissionRequest, Claims } from "./request.ts";

/** Longer values are told apart by their digest, so that nobody fills the table's memory with one header. */
const maxValueLength = 256;

type ValueReader = (request: AdmissionRequest) => string | undefined;

export class RateKeys {
  readonly names: readonly string[];
  readonly #readers: readonly ValueReader[];

  constructor(keys: readonly RateLimitKey[]) {
    this.names = keys.map(({ name }) => name);
    this.#readers = keys.map(readerOf);
  }

  /** Different for each distinct tuple of values. Undefined: the request lacks one of them. */
  id(request: AdmissionRequest): string | undefined {
    const readers = this.#readers;
    const last = readers.length - 1;
    let before = "";
    for (let i = 0; i <= last; i++) {
      const value = readers[i]?.(request);
      if (value === undefined || value === "") return undefined;
      const bounded = value.length > maxValueLength ? digestOf(value) : value;
      // The one value of most limits is no new text: its hash is known where a connection keeps it.
      if (i === last) return i === 0 ? bounded : before + bounded;
      // With lengths before all but the last, no two tuples read alike.
      before += `${bounded.length}:${bounded}`;
    }
    return before;
  }

  /** Of a request that has an id: the values themselves, those that are long as their digest. */
  values(request: AdmissionRequest): string[] {
    return this.#readers.map((read) => {
      const value = read(request) ?? "";
      return value.length > maxValueLength ? digestOf(value) : value;
    });
  }
}

function readerOf({ value }: RateLimitKey): ValueReader {
  switch (value.case) {
    case "sourceIdentity":
      return ({ caller }) => caller.identity;
    case "sourceNamespace":
      return ({ caller }) => parseSpiffeId(caller.identity)?.namespace;
    case "sourceAddress":
      return ({ caller }) => caller.address;
    case "remoteAddress":
      return ({ remoteAddress }) => remoteAddress;
    case "header":
      return ({ http }) => http?.header(value.value);
    case "path":
      return ({ http }) => http && countedPath(http.path);
    case "method":
      return ({ http }) => http?.method;
    case "host":
      return ({ http }) => http && hostnameOf(http.authority);
    case "claim":
      return ({ claims }) => claimText(claims, value.value.path);
    case "constant":
      return () => value.value;
    case undefined:
      // Of a newer control plane: a key that is not understood is one that no request has.
      return () => undefined;
  }
}

/** Spellings that some server takes for one resource are one, so that nobody gets a bucket of his own by spelling. */
function countedPath(path: string): string {
  if (isPlainPath(path)) return path;
  const readings = readPath(path);
  return readings === undefined ? path : (readings.others.at(-1) ?? readings.normal);
}

function claimText(claims: Claims | undefined, path: readonly string[]): string | undefined {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    if (!Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function digestOf(value: string): string {
  return `sha256:${createHash("sha256").update(value).digest("hex")}`;
}
