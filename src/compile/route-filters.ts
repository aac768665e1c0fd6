/** The filters of a rule or of one of its backends in the form that proxies run, and what is the matter with them. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AdmissionSchema,
  CorsSchema,
  HeaderEditsSchema,
  MirrorSchema,
  PathRewriteSchema,
  RedirectSchema,
  UrlRewriteSchema,
} from "../model/index.ts";
import { resolveBackend, type UnresolvedBackend } from "./backend.ts";
import { compileExternalAuth } from "./external-auth.ts";
import { compileEdits } from "./header-edits.ts";
import type { InputReader } from "./inputs.ts";
import type { FilterInput, RouteInput } from "./route-input.ts";

export interface FilterProblems {
  readonly unsupported: string[];
  readonly unresolved: UnresolvedBackend[];
  readonly invalid: string[];
}

/** Of the model's `HttpRule`; a backend has no redirect and no CORS. */
export interface FilterContent {
  requestHeaders?: MessageInitShape<typeof HeaderEditsSchema>;
  responseHeaders?: MessageInitShape<typeof HeaderEditsSchema>;
  rewrite?: MessageInitShape<typeof UrlRewriteSchema>;
  redirect?: MessageInitShape<typeof RedirectSchema>;
  mirrors?: MessageInitShape<typeof MirrorSchema>[];
  cors?: MessageInitShape<typeof CorsSchema>;
  admission?: MessageInitShape<typeof AdmissionSchema>;
}

const notEnforced =
  "is enforced at gateways only: under a Service a server would have to rely on its callers' choice of route; use an AuthorizationPolicy of action Custom";

export interface FilterPlace {
  /** Path of the list of filters. */
  readonly field: string;
  readonly of: "rule" | "backend";
  readonly problems: FilterProblems;
}

export function compileFilters(
  inputs: InputReader,
  route: RouteInput,
  filters: readonly FilterInput[] | undefined,
  { field, of, problems }: FilterPlace,
): FilterContent {
  const content: FilterContent = {};
  for (const [index, filter] of (filters ?? []).entries()) {
    const at = `${field}[${index}]`;
    switch (filter.type) {
      case "RequestHeaderModifier":
        content.requestHeaders = compileEdits(filter.requestHeaderModifier, at, problems);
        break;
      case "ResponseHeaderModifier":
        content.responseHeaders = compileEdits(filter.responseHeaderModifier, at, problems);
        break;
      case "URLRewrite":
        content.rewrite = compileRewrite(filter.urlRewrite, `${at}.urlRewrite`, problems);
        break;
      case "RequestMirror": {
        const mirror = compileMirror(inputs, route, filter.requestMirror, {
          field: `${at}.requestMirror.backendRef`,
          problems,
        });
        if (mirror !== undefined) content.mirrors = [...(content.mirrors ?? []), mirror];
        break;
      }
      case "RequestRedirect":
        if (of === "rule") {
          content.redirect = compileRedirect(filter.requestRedirect, `${at}.requestRedirect`, problems);
        } else problems.unsupported.push(`${at}: filter ${filter.type} is supported on rules only`);
        break;
      case "CORS":
        if (of === "rule") content.cors = compileCors(filter.cors);
        else problems.unsupported.push(`${at}: filter ${filter.type} is supported on rules only`);
        break;
      case "ExternalAuth": {
        const refusal =
          of === "rule" ? (inputs.isUnderService ? notEnforced : undefined) : "is supported on rules only";
        if (refusal !== undefined) problems.unsupported.push(`${at}: filter ${filter.type} ${refusal}`);
        else if (filter.externalAuth !== undefined) {
          const place = { field: `${at}.externalAuth.backendRef`, problems };
          const policy = compileExternalAuth(inputs, route, filter.externalAuth, place);
          const before = content.admission?.authorization?.policies ?? [];
          content.admission = { authorization: { policies: [...before, policy] } };
        }
        break;
      }
      case "ExtensionRef":
        problems.unsupported.push(`${at}: filter ${filter.type} is not supported`);
        break;
    }
  }
  return content;
}

function compileRewrite(
  rewrite: FilterInput["urlRewrite"],
  field: string,
  problems: FilterProblems,
): MessageInitShape<typeof UrlRewriteSchema> {
  const path = compilePath(rewrite?.path, `${field}.path`, problems);
  return { hostname: rewrite?.hostname ?? "", ...(path === undefined ? {} : { path }) };
}

function compileRedirect(
  redirect: FilterInput["requestRedirect"],
  field: string,
  problems: FilterProblems,
): MessageInitShape<typeof RedirectSchema> {
  const path = compilePath(redirect?.path, `${field}.path`, problems);
  return {
    scheme: redirect?.scheme ?? "",
    hostname: redirect?.hostname ?? "",
    port: redirect?.port ?? 0,
    status: redirect?.statusCode ?? 302,
    ...(path === undefined ? {} : { path }),
  };
}

/** RFC 3986 section 3.3: what a path may be made of. A query is the request's own, a fragment never leaves a client. */
const pathCharacters = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$/;

function compilePath(
  path: NonNullable<FilterInput["urlRewrite"]>["path"],
  field: string,
  { invalid }: FilterProblems,
): MessageInitShape<typeof PathRewriteSchema> | undefined {
  if (path === undefined) return undefined;
  const isFull = path.type === "ReplaceFullPath";
  const name = isFull ? "replaceFullPath" : "replacePrefixMatch";
  const value = path[name] ?? "";
  if (!pathCharacters.test(value)) {
    invalid.push(`${field}.${name}: ${JSON.stringify(value)} has characters that no path has`);
  }
  // Without the slash that begins every path it can mean nothing else.
  const absolute = value === "" || value.startsWith("/") ? value : `/${value}`;
  return { kind: { case: isFull ? "full" : "prefix", value: absolute } };
}

/** Gateway API: a mirror whose reference does not resolve is left out, and the request itself goes on. */
function compileMirror(
  inputs: InputReader,
  route: RouteInput,
  mirror: FilterInput["requestMirror"],
  { field, problems }: { readonly field: string; readonly problems: FilterProblems },
): MessageInitShape<typeof MirrorSchema> | undefined {
  if (mirror === undefined) return undefined;
  const { backendRef, percent, fraction } = mirror;
  const backend = resolveBackend(
    inputs,
    route,
    { backend: { ...backendRef, weight: 1 }, field },
    problems.unresolved,
  );
  const { numerator, denominator } =
    fraction ?? (percent === undefined ? everyRequest : { numerator: percent, denominator: 100 });
  return backend.cluster === undefined || numerator === 0 ? undefined : { backend, numerator, denominator };
}

const everyRequest = { numerator: 1, denominator: 1 };

function compileCors(cors: FilterInput["cors"]): MessageInitShape<typeof CorsSchema> {
  return {
    allowOrigins: [...(cors?.allowOrigins ?? [])],
    allowCredentials: cors?.allowCredentials ?? false,
    allowMethods: [...(cors?.allowMethods ?? [])],
    allowHeaders: [...(cors?.allowHeaders ?? [])],
    exposeHeaders: [...(cors?.exposeHeaders ?? [])],
    maxAgeSeconds: cors?.maxAge ?? 0,
  };
}
