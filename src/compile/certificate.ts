/** Certificates of gateways, from Secrets of type kubernetes.io/tls. */
import { CertificateSchema } from "../model/index.ts";
import type { InputReader } from "./inputs.ts";
import { type CompiledResource, encodeResource } from "./resource.ts";

/** Undefined where there is no such Secret or no certificate in it. */
export function compileCertificate(inputs: InputReader, key: string): CompiledResource | undefined {
  const content = inputs.certificate(key);
  if (content?.kind !== "valid") return undefined;
  const [namespace = "", name = ""] = key.split("/");
  return encodeResource({ kind: "Certificate", key }, CertificateSchema, {
    source: { kind: "Secret", namespace, name },
    certificateChainPem: content.chainPem,
    privateKeyPem: content.privateKeyPem,
  });
}
