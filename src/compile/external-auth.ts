/** The filter ExternalAuth of a rule (GEP-1494): a policy of the rule alone, whose one rule matches everything. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type AdmissionSchema,
  AuthorizationAction,
  AuthorizationLevel,
  ExternalAuthorizationProtocol,
} from "../model/index.ts";
import { resolveBackend, type UnresolvedBackend } from "./backend.ts";
import type { InputReader } from "./inputs.ts";
import type { FilterInput, RouteInput } from "./route-input.ts";

type AdmissionContent = MessageInitShape<typeof AdmissionSchema>;

/** The filter has no field for it; Envoy's default is 200 ms, which a cold connection over TLS needs for itself. */
const timeoutMs = 1_000;
/** Gateway API: what a broken reference does to a rule. */
const brokenStatus = 500;
const maxBodyBytes = 0xffff_ffff;

export function withExternalAuth(
  inputs: InputReader,
  route: RouteInput,
  before: AdmissionContent | undefined,
  auth: FilterInput["externalAuth"],
  {
    field,
    problems,
  }: { readonly field: string; readonly problems: { readonly unresolved: UnresolvedBackend[] } },
): AdmissionContent {
  if (auth === undefined) return before ?? {};
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
  const policy = {
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
  return { authorization: { policies: [...(before?.authorization?.policies ?? []), policy] } };
}

/** "rules[0].filters[1]". */
function sectionOf(field: string): string {
  return field.replace(/^spec\./, "").replace(/\.externalAuth\.backendRef$/, "");
}
