/** What a ConfigMap holds as trust anchors: certificates in PEM under `ca.crt`. */
import { X509Certificate } from "node:crypto";
import type { StoredOfKind } from "../api/index.ts";

export type ConfigMapContent = Pick<StoredOfKind<"ConfigMap">, "data" | "binaryData">;

export type TrustAnchors =
  | { readonly kind: "valid"; readonly pem: string }
  | { readonly kind: "invalid"; readonly message: string };

/** The bundle of a public root programme has some 150. Each costs every handshake a look. */
const maxAnchors = 512;

export function readTrustAnchors({ data, binaryData }: ConfigMapContent): TrustAnchors {
  const binary = binaryData?.["ca.crt"];
  const text =
    data?.["ca.crt"] ?? (binary === undefined ? undefined : Buffer.from(binary, "base64").toString("latin1"));
  if (text === undefined) return invalid("has no key ca.crt");
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return invalid("ca.crt holds no certificate in PEM");
  if (blocks.length > maxAnchors) return invalid(`ca.crt holds more than ${maxAnchors} certificates`);
  const anchors: string[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      // Written anew, so that what stands between the blocks is nobody's concern.
      anchors.push(new X509Certificate(block).toString());
    } catch {
      return invalid(`ca.crt holds a certificate that cannot be read, number ${index + 1}`);
    }
  }
  return { kind: "valid", pem: anchors.join("") };
}

function invalid(message: string): TrustAnchors {
  return { kind: "invalid", message };
}
