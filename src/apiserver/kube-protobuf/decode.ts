/**
 * Objects in Kubernetes' protobuf form, which kubectl 1.32 prefers for what it makes itself. Answers are JSON all the same. What
 * Kubernetes' encoder always writes though it says nothing (empty texts, zeros, empty messages) is left out, as in its JSON.
 */
import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";
import { WeftError } from "../../kernel/index.ts";
import { type Field, fieldOf, isMessageName, type MessageName, type NestedType } from "./messages.ts";

export const protobufType = "application/vnd.kubernetes.protobuf";

/** "k8s" and a zero stand before the envelope. */
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);
/** The deepest message has five. */
const maxDepth = 16;

/** Throws `usage` for bytes that cannot be read, or a kind that is not sent so. */
export function decodeKubeProtobuf(bytes: Uint8Array): unknown {
  if (!magic.equals(bytes.subarray(0, magic.length))) throw unreadable("the body does not begin as one does");
  try {
    const { apiVersion, kind, raw } = readEnvelope(bytes.subarray(magic.length));
    if (!isMessageName(kind)) throw unreadable(`kind ${kind.slice(0, 64)} is taken as JSON or YAML only`);
    const content = readMessage(kind, raw, 0);
    // A review is about its spec, also where that says nothing: all namespaces.
    return { apiVersion, kind, ...(kind === "SelfSubjectRulesReview" ? { spec: {} } : {}), ...content };
  } catch (cause) {
    if (cause instanceof WeftError) throw cause;
    throw unreadable("it is cut off or broken", cause);
  }
}

/** `runtime.Unknown`: what it is, then its bytes. */
function readEnvelope(bytes: Uint8Array): { apiVersion: string; kind: string; raw: Uint8Array } {
  let [apiVersion, kind, raw] = ["", "", new Uint8Array()];
  for (const { number, reader, wire } of fieldsOf(bytes)) {
    if (number === 1) {
      for (const inner of fieldsOf(reader.bytes())) {
        if (inner.number === 1) apiVersion = inner.reader.string();
        else if (inner.number === 2) kind = inner.reader.string();
        else inner.reader.skip(inner.wire);
      }
    } else if (number === 2) raw = new Uint8Array(reader.bytes());
    else reader.skip(wire);
  }
  return { apiVersion, kind, raw };
}

function readMessage(message: MessageName, bytes: Uint8Array, depth: number): Record<string, unknown> {
  if (depth > maxDepth) throw unreadable("it is nested too deeply");
  const result = new Map<string, unknown>();
  for (const { number, reader, wire } of fieldsOf(bytes)) {
    const field = fieldOf(message, number);
    if (field === undefined) reader.skip(wire);
    else readField(result, field, reader, depth);
  }
  return Object.fromEntries(
    [...result].map(([name, value]) => [name, value instanceof Map ? Object.fromEntries(value) : value]),
  );
}

function readField(
  result: Map<string, unknown>,
  { name, type }: Field,
  reader: BinaryReader,
  depth: number,
): void {
  const keep = (value: unknown): void => {
    if (!saysNothing(value)) result.set(name, value);
  };
  switch (type) {
    case "string":
      return keep(reader.string());
    case "bytes":
      return keep(base64(reader.bytes()));
    case "integer":
      return keep(Number(reader.int64()));
    case "boolean":
      return keep(reader.bool());
    case "intOrString":
      return keep(readIntOrString(reader.bytes()));
    case "stringMap":
    case "bytesMap": {
      const [key, value] = readEntry(reader.bytes(), type);
      const map = result.get(name);
      if (map instanceof Map) map.set(key, value);
      else result.set(name, new Map([[key, value]]));
      return;
    }
    default:
      return readNested(result, { name, type }, reader, depth);
  }
}

/** A message, or a list of them or of texts. */
function readNested(
  result: Map<string, unknown>,
  { name, type }: { readonly name: string; readonly type: NestedType },
  reader: BinaryReader,
  depth: number,
): void {
  const keep = (value: unknown): void => {
    if (!saysNothing(value)) result.set(name, value);
  };
  if (typeof type === "string") return keep(readMessage(type, reader.bytes(), depth + 1));
  const [, item] = type;
  const value = item === "string" ? reader.string() : readMessage(item, reader.bytes(), depth + 1);
  const list = result.get(name);
  if (Array.isArray(list)) list.push(value);
  else result.set(name, [value]);
}

function readEntry(bytes: Uint8Array, type: "stringMap" | "bytesMap"): [string, string] {
  let [key, value] = ["", ""];
  for (const { number, reader, wire } of fieldsOf(bytes)) {
    if (number === 1) key = reader.string();
    else if (number === 2) value = type === "stringMap" ? reader.string() : base64(reader.bytes());
    else reader.skip(wire);
  }
  return [key, value];
}

function readIntOrString(bytes: Uint8Array): number | string {
  let [count, text] = [0, ""];
  for (const { number, reader, wire } of fieldsOf(bytes)) {
    if (number === 2) count = reader.int32();
    else if (number === 3) text = reader.string();
    else reader.skip(wire);
  }
  return text === "" ? count : text;
}

function* fieldsOf(bytes: Uint8Array): Generator<{ number: number; wire: WireType; reader: BinaryReader }> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    yield { number, wire, reader };
  }
}

function saysNothing(value: unknown): boolean {
  if (value === "" || value === 0) return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function unreadable(detail: string, cause?: unknown): WeftError {
  return new WeftError("usage", `the body is no protobuf of Kubernetes: ${detail}`, {
    cause,
    hint: "send application/json",
    fields: { httpStatus: 415, reason: "UnsupportedMediaType" },
  });
}
