/**
 * Delta discovery responses, written by hand into one buffer that is used again and again: what a proxy is sent first is some
 * hundred resources, and later changes are many. A large resource's bytes are not copied but shared by all who are sent it.
 */
import { type ModelKind, typeUrl } from "../model/index.ts";
import type { SourceResource } from "./resource-source.ts";

/** From here on a copy costs more than a part of its own. */
const sharedBytes = 4 * 1024;
const firstBufferBytes = 64 * 1024;
/** A buffer that grew beyond it is not kept. */
const maxKeptBytes = 1024 * 1024;
/** Of tags and lengths around one resource: five of each. */
const maxFramingBytes = 32;
/** In UTF-8 no character takes more for each unit of its text. */
const maxBytesPerUnit = 3;

// Tags of length-delimited fields: DeltaDiscoveryResponse.resources; Resource's; google.protobuf.Any's.
const resourcesTag = 0x12;
const resource = { version: 0x0a, resource: 0x12, name: 0x1a } as const;
const any = { typeUrl: 0x0a, value: 0x12 } as const;

export class EntryWriter {
  #buffer = new Uint8Array(firstBufferBytes);
  /** The same memory, for text; whatever else a Buffer does takes several times as long. */
  #text = Buffer.from(this.#buffer.buffer);
  #at = 0;
  #parts: Uint8Array[] = [];
  #length = 0;

  /** Since the last `take`. */
  get length(): number {
    return this.#length + this.#at;
  }

  /** An element of the response's resources. */
  add(kind: ModelKind, { key, version, bytes }: Pick<SourceResource, "key" | "version" | "bytes">): void {
    const url = urlOf(kind);
    this.#reserve((key.length + version.length) * maxBytesPerUnit + url.length + maxFramingBytes);
    const keyBytes = Buffer.byteLength(key);
    const versionBytes = Buffer.byteLength(version);
    const anyBytes = fieldBytes(url.length) + fieldBytes(bytes.length);
    this.#tag(resourcesTag, fieldBytes(keyBytes) + fieldBytes(versionBytes) + fieldBytes(anyBytes));
    this.#tag(resource.name, keyBytes);
    this.#at += this.#text.write(key, this.#at);
    this.#tag(resource.version, versionBytes);
    this.#at += this.#text.write(version, this.#at);
    this.#tag(resource.resource, anyBytes);
    this.#tag(any.typeUrl, url.length);
    this.#copy(url);
    this.#tag(any.value, bytes.length);
    this.append(bytes);
  }

  /** One of the response's own fields. */
  addText(tag: number, text: string): void {
    this.#reserve(text.length * maxBytesPerUnit + maxFramingBytes);
    this.#tag(tag, Buffer.byteLength(text));
    this.#at += this.#text.write(text, this.#at);
  }

  /** Bytes that are never changed again. */
  append(bytes: Uint8Array): void {
    if (bytes.length >= sharedBytes) {
      this.#endPart();
      this.#parts.push(bytes);
      this.#length += bytes.length;
      return;
    }
    this.#reserve(bytes.length);
    this.#copy(bytes);
  }

  /** All that was added, and begins anew. */
  take(): Uint8Array[] {
    this.#endPart();
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    if (this.#buffer.length > maxKeptBytes) this.#use(new Uint8Array(firstBufferBytes));
    return parts;
  }

  #endPart(): void {
    if (this.#at === 0) return;
    this.#parts.push(this.#buffer.slice(0, this.#at));
    this.#length += this.#at;
    this.#at = 0;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#at + bytes, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#at));
    this.#use(grown);
  }

  #use(buffer: Uint8Array<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#text = Buffer.from(buffer.buffer);
  }

  #copy(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** With the length of what follows. */
  #tag(tag: number, length: number): void {
    this.#buffer[this.#at++] = tag;
    let left = length;
    for (; left > 0x7f; left = Math.floor(left / 0x80)) this.#buffer[this.#at++] = (left & 0x7f) | 0x80;
    this.#buffer[this.#at++] = left;
  }
}

/** Of a field with so long a content. */
function fieldBytes(length: number): number {
  let bytes = 2 + length;
  for (let left = length; left > 0x7f; left = Math.floor(left / 0x80)) bytes++;
  return bytes;
}

const urls = new Map<ModelKind, Uint8Array>();

function urlOf(kind: ModelKind): Uint8Array {
  const known = urls.get(kind);
  if (known !== undefined) return known;
  const url = new TextEncoder().encode(typeUrl(kind));
  urls.set(kind, url);
  return url;
}
