/**
 * TLS of one listener: the certificates that its references lead to. A reference that leads nowhere is told and left out;
 * a listener that has to show a certificate and is left with none takes no connection.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { gatewayGroup, minTlsVersionOption } from "../api/index.ts";
import { certificateKey, type ListenerTlsSchema, TlsMode, TlsVersion } from "../model/index.ts";
import type { GatewayInput, ListenerInput } from "./gateway-input.ts";
import type { InputReader } from "./inputs.ts";

type ReferenceInput = NonNullable<NonNullable<ListenerInput["tls"]>["certificateRefs"]>[number];

interface ReferenceProblem {
  readonly reason: "InvalidCertificateRef" | "RefNotPermitted";
  readonly message: string;
}

export interface ListenerTlsOutcome {
  /** Undefined: plaintext. */
  readonly content: MessageInitShape<typeof ListenerTlsSchema> | undefined;
  /** Keys of the certificates, in the order of the references. */
  readonly certificates: readonly string[];
  readonly problems: readonly ReferenceProblem[];
  /** False: every handshake would fail for want of a certificate. */
  readonly isServable: boolean;
}

export function resolveTls(
  inputs: InputReader,
  gateway: GatewayInput,
  { protocol, tls }: ListenerInput,
): ListenerTlsOutcome {
  if (protocol !== "HTTPS" && protocol !== "TLS") {
    return { content: undefined, certificates: [], problems: [], isServable: true };
  }
  if (tls?.mode === "Passthrough") {
    // References of a listener that passes TLS through mean nothing, says Gateway API.
    return { content: { mode: TlsMode.PASSTHROUGH }, certificates: [], problems: [], isServable: true };
  }
  const certificates = new Set<string>();
  const problems: ReferenceProblem[] = [];
  for (const [index, reference] of (tls?.certificateRefs ?? []).entries()) {
    const found = resolveCertificate(inputs, gateway, reference);
    if (typeof found === "string") certificates.add(found);
    else problems.push({ ...found, message: `tls.certificateRefs[${index}]: ${found.message}` });
  }
  if (certificates.size === 0 && problems.length === 0) {
    problems.push({ reason: "InvalidCertificateRef", message: "tls.certificateRefs names no certificate" });
  }
  const keys = [...certificates];
  return {
    content: {
      mode: TlsMode.TERMINATE,
      certificates: keys,
      minVersion:
        tls?.options?.[minTlsVersionOption] === "1.3"
          ? TlsVersion.TLS_VERSION_1_3
          : TlsVersion.TLS_VERSION_1_2,
    },
    certificates: keys,
    problems,
    isServable: keys.length > 0,
  };
}

/** The certificate's key, or why there is none. */
function resolveCertificate(
  inputs: InputReader,
  gateway: GatewayInput,
  { group, kind, name, namespace: written }: ReferenceInput,
): string | ReferenceProblem {
  if (kind !== "Secret" || (group !== "" && group !== "core")) {
    return { reason: "InvalidCertificateRef", message: `${kind} ${name} is no Secret` };
  }
  const { namespace: own } = gateway.metadata;
  const namespace = written ?? own;
  const key = certificateKey(namespace, name);
  const isPermitted = inputs.isPermitted(
    { group: gatewayGroup, kind: "Gateway", namespace: own },
    { group: "", kind: "Secret", namespace, name },
  );
  // Nothing is told about a Secret that must not be referred to, not even whether it exists.
  if (!isPermitted) {
    return {
      reason: "RefNotPermitted",
      message: `Secret ${key} is in another namespace and no ReferenceGrant there permits the reference`,
    };
  }
  const certificate = inputs.certificate(key);
  if (certificate === undefined) {
    return { reason: "InvalidCertificateRef", message: `Secret ${key} does not exist` };
  }
  if (certificate.kind === "valid") return key;
  return { reason: "InvalidCertificateRef", message: `Secret ${key}: ${certificate.message}` };
}
