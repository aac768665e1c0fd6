/**
 * Answers of proxies, read by hand: there is one to each response, and nearly all are two short texts. Whatever else a request
 * has is the schema's to read.
 */
import type { DeltaDiscoveryRequest } from "../wire/index.ts";
import { knownTypeUrls } from "./node.ts";

// Tags of DeltaDiscoveryRequest's fields.
const typeUrlTag = 0x12;
const responseNonceTag = 0x32;
/** Two numbers of at most 15 and 6 digits, and a dot. */
const maxNonceBytes = 22;

const none: string[] = [];
const noVersions: Record<string, string> = {};
const urls = knownTypeUrls.map((text) => ({ text, bytes: new TextEncoder().encode(text) }));

/** Undefined: it has more than a known type and a nonce, or these in another order. Nothing in it may be changed. */
export function readAnswer(bytes: Uint8Array): DeltaDiscoveryRequest | undefined {
  if (bytes[0] !== typeUrlTag || bytes.length < 2) return undefined;
  const urlEnd = 2 + (bytes[1] ?? 0);
  const nonceStart = urlEnd + 2;
  const nonceBytes = bytes.length - nonceStart;
  if (nonceBytes < 1 || nonceBytes > maxNonceBytes) return undefined;
  if (bytes[urlEnd] !== responseNonceTag || bytes[urlEnd + 1] !== nonceBytes) return undefined;
  const url = urls.find((each) => isAt(bytes, 2, urlEnd, each.bytes));
  if (url === undefined) return undefined;
  let responseNonce = "";
  for (let at = nonceStart; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x7f) return undefined;
    responseNonce += String.fromCharCode(byte);
  }
  return {
    $typeName: "envoy.service.discovery.v3.DeltaDiscoveryRequest",
    typeUrl: url.text,
    resourceNamesSubscribe: none,
    resourceNamesUnsubscribe: none,
    initialResourceVersions: noVersions,
    responseNonce,
  };
}

/** From the end, where they differ. */
function isAt(bytes: Uint8Array, start: number, end: number, expected: Uint8Array): boolean {
  if (expected.length !== end - start) return false;
  for (let index = expected.length - 1; index >= 0; index--)
    if (bytes[start + index] !== expected[index]) return false;
  return true;
}
