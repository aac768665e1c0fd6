/**
 * How a Gateway's listeners of HTTPS check the certificates of clients: `spec.tls.frontend`, the port's own or else the
 * default. Its references are the Gateway's, also for listeners of ListenerSets.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { gatewayGroup } from "../api/index.ts";
import { ClientValidationMode, type ClientValidationSchema } from "../model/index.ts";
import type { GatewayInput, ListenerInput } from "./gateway-input.ts";
import type { InputReader } from "./inputs.ts";

type FrontendInput = NonNullable<NonNullable<GatewayInput["spec"]["tls"]>["frontend"]>;
type ValidationInput = NonNullable<FrontendInput["default"]["validation"]>;
type AnchorReference = ValidationInput["caCertificateRefs"][number];

export interface AnchorProblem {
  readonly reason: "InvalidCACertificateRef" | "InvalidCACertificateKind" | "RefNotPermitted";
  readonly message: string;
}

export interface ClientValidationOutcome {
  /** Undefined: clients are not asked for a certificate. */
  readonly content: MessageInitShape<typeof ClientValidationSchema> | undefined;
  readonly problems: readonly AnchorProblem[];
  /** Clients are to be checked, and there is nothing to check them against. */
  readonly hasNoAnchor: boolean;
}

export const noValidation: ClientValidationOutcome = {
  content: undefined,
  problems: [],
  hasNoAnchor: false,
};

export function resolveClientValidation(
  inputs: InputReader,
  gateway: GatewayInput,
  { port }: ListenerInput,
): ClientValidationOutcome {
  const validation = validationAt(gateway, port);
  if (validation === undefined) return noValidation;
  const anchors: string[] = [];
  const problems: AnchorProblem[] = [];
  for (const reference of validation.caCertificateRefs) {
    const found = resolveAnchors(inputs, gateway, reference);
    if (typeof found === "string") anchors.push(found);
    else problems.push({ ...found, message: `spec.tls.frontend: ${found.message}` });
  }
  const mode =
    validation.mode === "AllowInsecureFallback"
      ? ClientValidationMode.INSECURE_FALLBACK
      : ClientValidationMode.VALID_ONLY;
  return {
    content: { caPem: anchors.join(""), mode },
    problems,
    hasNoAnchor: anchors.length === 0,
  };
}

/** Somewhere clients come in that failed to prove who they are. */
export function allowsInsecureClients({ spec }: GatewayInput): boolean {
  const frontend = spec.tls?.frontend;
  if (frontend === undefined) return false;
  const all = [frontend.default, ...(frontend.perPort ?? []).map(({ tls }) => tls)];
  return all.some(({ validation }) => validation?.mode === "AllowInsecureFallback");
}

function validationAt({ spec }: GatewayInput, port: number): ValidationInput | undefined {
  const frontend = spec.tls?.frontend;
  const own = frontend?.perPort?.find((each) => each.port === port);
  // A port's entry takes the place of the default, also where it asks for nothing.
  return own === undefined ? frontend?.default.validation : own.tls.validation;
}

function resolveAnchors(
  inputs: InputReader,
  gateway: GatewayInput,
  { group, kind, name, namespace: written }: AnchorReference,
): string | AnchorProblem {
  if (kind !== "ConfigMap" || (group !== "" && group !== "core")) {
    return {
      reason: "InvalidCACertificateKind",
      message: `${kind} ${name}: only ConfigMaps hold trust anchors`,
    };
  }
  const { namespace: own } = gateway.metadata;
  const namespace = written ?? own;
  const path = `${namespace}/${name}`;
  const isPermitted = inputs.isPermitted(
    { group: gatewayGroup, kind: "Gateway", namespace: own },
    { group: "", kind: "ConfigMap", namespace, name },
  );
  if (!isPermitted) {
    return {
      reason: "RefNotPermitted",
      message: `ConfigMap ${path} is in another namespace and no ReferenceGrant there permits the reference`,
    };
  }
  const anchors = inputs.trustAnchors(path);
  if (anchors === undefined) {
    return { reason: "InvalidCACertificateRef", message: `ConfigMap ${path} does not exist` };
  }
  if (anchors.kind === "valid") return anchors.pem;
  return { reason: "InvalidCACertificateRef", message: `ConfigMap ${path} ${anchors.message}` };
}
