/** The certificate that a Gateway shows to backends whose connections BackendTLSPolicies encrypt. */
import type { GatewayInput } from "./gateway-input.ts";
import type { InputReader } from "./inputs.ts";
import { resolveCertificate } from "./listener-tls.ts";

export interface ClientCertificateProblem {
  readonly reason: "InvalidClientCertificateRef" | "RefNotPermitted";
  readonly message: string;
}

/** The certificate's key, undefined where the Gateway names none, or why there is none. */
export function resolveClientCertificate(
  inputs: InputReader,
  { metadata, spec }: GatewayInput,
): string | ClientCertificateProblem | undefined {
  const reference = spec.tls?.backend?.clientCertificateRef;
  if (reference === undefined) return undefined;
  const owner = { kind: "Gateway", namespace: metadata.namespace, name: metadata.name } as const;
  const found = resolveCertificate(inputs, owner, reference);
  if (typeof found === "string") return found;
  return {
    reason: found.reason === "RefNotPermitted" ? found.reason : "InvalidClientCertificateRef",
    message: `spec.tls.backend.clientCertificateRef: ${found.message}`,
  };
}
