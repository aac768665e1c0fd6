/**
 * TLS of one listener: the certificates that its references lead to, and how its clients are checked. A reference that
 * leads nowhere is told and left out; a listener that has to show a certificate and is left with none takes no connection,
 * and neither does one that has to check clients against nothing.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { gatewayGroup, minTlsVersionOption } from "../api/index.ts";
import { certificateKey, type ListenerTlsSchema, TlsMode, TlsVersion } from "../model/index.ts";
import { type AnchorProblem, noValidation, resolveClientValidation } from "./client-validation.ts";
import type { GatewayInput, ListenerInput } from "./gateway-input.ts";
import type { InputReader } from "./inputs.ts";
import type { DeclaredListener, ListenerOwner } from "./listener.ts";

type ReferenceInput = NonNullable<NonNullable<ListenerInput["tls"]>["certificateRefs"]>[number];

export interface ReferenceProblem {
  readonly reason: "InvalidCertificateRef" | "RefNotPermitted";
  readonly message: string;
}

export interface ListenerTlsOutcome {
  /** Undefined: plaintext. */
  readonly content: MessageInitShape<typeof ListenerTlsSchema> | undefined;
  /** Keys of the certificates, in the order of the references. */
  readonly certificates: readonly string[];
  readonly problems: readonly (ReferenceProblem | AnchorProblem)[];
  /** Set: every handshake is refused, and this is why. */
  readonly refusal: "NoCertificate" | "NoValidCACertificate" | undefined;
}

const plaintext: ListenerTlsOutcome = {
  content: undefined,
  certificates: [],
  problems: [],
  refusal: undefined,
};

export function resolveTls(
  inputs: InputReader,
  gateway: GatewayInput,
  { owner, input }: DeclaredListener,
): ListenerTlsOutcome {
  const { protocol, tls } = input;
  if (protocol !== "HTTPS" && protocol !== "TLS") return plaintext;
  // References of a listener that passes TLS through mean nothing, says Gateway API.
  if (tls?.mode === "Passthrough") return { ...plaintext, content: { mode: TlsMode.PASSTHROUGH } };
  const certificates = new Set<string>();
  const problems: (ReferenceProblem | AnchorProblem)[] = [];
  for (const [index, reference] of (tls?.certificateRefs ?? []).entries()) {
    const found = resolveCertificate(inputs, owner, reference);
    if (typeof found === "string") certificates.add(found);
    else problems.push({ ...found, message: `tls.certificateRefs[${index}]: ${found.message}` });
  }
  if (certificates.size === 0 && problems.length === 0) {
    problems.push({ reason: "InvalidCertificateRef", message: "tls.certificateRefs names no certificate" });
  }
  const clients = protocol === "HTTPS" ? resolveClientValidation(inputs, gateway, input) : noValidation;
  problems.push(...clients.problems);
  const keys = [...certificates];
  return {
    content: {
      mode: TlsMode.TERMINATE,
      certificates: keys,
      minVersion:
        tls?.options?.[minTlsVersionOption] === "1.3"
          ? TlsVersion.TLS_VERSION_1_3
          : TlsVersion.TLS_VERSION_1_2,
      ...(clients.content === undefined ? {} : { clients: clients.content }),
    },
    certificates: keys,
    problems,
    refusal: clients.hasNoAnchor ? "NoValidCACertificate" : keys.length === 0 ? "NoCertificate" : undefined,
  };
}

/** The certificate's key, or why there is none. */
export function resolveCertificate(
  inputs: InputReader,
  owner: ListenerOwner,
  { group, kind, name, namespace: written }: ReferenceInput,
): string | ReferenceProblem {
  if (kind !== "Secret" || (group !== "" && group !== "core")) {
    return { reason: "InvalidCertificateRef", message: `${kind} ${name} is no Secret` };
  }
  const namespace = written ?? owner.namespace;
  const key = certificateKey(namespace, name);
  const isPermitted = inputs.isPermitted(
    { group: gatewayGroup, kind: owner.kind, namespace: owner.namespace },
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
