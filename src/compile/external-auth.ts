/** The filter ExternalAuth of a rule (GEP-1494): a policy of the rule alone, whose one rule matches everything. */
import {
  AuthorizationAction,
  AuthorizationLevel,
  type AuthorizationPolicySchema,
  ExternalAuthorizationProtocol,
} from "../model/index.ts";
import { resolveBackend, type UnresolvedBackend } from "./backend.ts";
import type { InputReader } from "./inputs.ts";
import type { InitOf } from "./resource.ts";
import type { FilterInput, RouteInput } from "./route-input.ts";

/** The filter has no field for it; Envoy's default is 200 ms, which a cold connection over TLS needs for itself. */
const timeoutMs = 1_000;
/** Gateway API: what a broken reference does to a rule. */
const brokenStatus = 500;
const maxBodyBytes = 0xffff_ffff;

export function compileExternalAuth(
  inputs: InputReader,
  route: RouteInput,
  auth: NonNullable<FilterInput["externalAuth"]>,
  {
    field,
    problems,
  }: { readonly field: string; readonly problems: { readonly unresolved: UnresolvedBackend[] } },
): InitOf<typeof AuthorizationPolicySchema> {
  const { backendRef, protocol, forwardBody } = auth;
  const { cluster, unresolved } = resolveBackend(
    inputs,
    route,
    { backend: { ...backendRef, weight: 1 }, field },
    problems.unresolved,
  );
  const { namespace, name } = route.metadata;
  const source = { kind: route.kind, namespace, name, section: sectionOf(field) };
  const allowedHeaders = (protocol === "GRPC" ? auth.grpc : auth.http)?.allowedHeaders ?? [];
  return {
    source,
    action: AuthorizationAction.CUSTOM,
    level: AuthorizationLevel.ROUTE,
    rules: [{ name: "ExternalAuth" }],
    external: {
      source,
      protocol: protocol === "GRPC" ? ExternalAuthorizationProtocol.GRPC : ExternalAuthorizationProtocol.HTTP,
      ...(cluster === undefined ? { unresolved: unresolved ?? "", errorStatus: brokenStatus } : { cluster }),
      timeoutMs,
      // A longer body is answered with 413, as the filter wants it.
      maxBodyBytes: Math.min(forwardBody?.maxSize ?? 0, maxBodyBytes),
      requestHeaders: allowedHeaders.map((each) => each.toLowerCase()),
      answerHeaders: (auth.http?.allowedResponseHeaders ?? []).map((each) => each.toLowerCase()),
      pathPrefix: auth.http?.path ?? "",
    },
  };
}

/** "rules[0].filters[1]". */
function sectionOf(field: string): string {
  return field.replace(/^spec\./, "").replace(/\.externalAuth\.backendRef$/, "");
}
