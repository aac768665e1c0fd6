/** Filters of an HTTPRoute (Gateway API v1.6). All are accepted here; what weft does not serve yet is said in the route's status. */
import type { Issue } from "../kernel/index.ts";
import { checkExternalAuth, externalAuthSchema } from "./external-auth.ts";
import { headerName, headerValue, preciseHostname } from "./formats.ts";
import { httpMethods, repeatedNames } from "./http-route-match.ts";
import { backendReferenceSchema, checkBackendPort, localReferenceSchema } from "./references.ts";
import {
  flag,
  integer,
  integerOf,
  list,
  object,
  oneOf,
  optional,
  port,
  text,
  type ValueOf,
} from "./schema.ts";

/** Gateway API's bounds. */
const maxFilters = 16;
const maxHeaders = 16;
const maxCorsEntries = 64;
const maxInt32 = 2_147_483_647;

const headerSchema = object("A header.", {
  name: text("Name of the header.", headerName),
  value: text("Its value.", headerValue),
});

const headerModifierSchema = object("Edits of headers.", {
  set: optional(list("Replace, or add where absent.", headerSchema, { max: maxHeaders, keys: ["name"] })),
  add: optional(list("Add to what is there.", headerSchema, { max: maxHeaders, keys: ["name"] })),
  remove: optional(
    list("Remove; names in any case.", text("Name of the header.", { min: 0, max: 256 }), {
      max: maxHeaders,
      unique: true,
    }),
  ),
});

const pathModifierSchema = object("A new path.", {
  type: oneOf("What is replaced.", ["ReplaceFullPath", "ReplacePrefixMatch"]),
  replaceFullPath: optional(text("The whole path.", { min: 0, max: 1024 })),
  replacePrefixMatch: optional(text("What takes the place of the matched prefix.", { min: 0, max: 1024 })),
});

const origin =
  "(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$)";

const filterSchema = object("A change to request or response.", {
  type: oneOf("Which of the fields below is given.", [
    "RequestHeaderModifier",
    "ResponseHeaderModifier",
    "RequestMirror",
    "RequestRedirect",
    "URLRewrite",
    "ExtensionRef",
    "CORS",
    "ExternalAuth",
  ]),
  requestHeaderModifier: optional(headerModifierSchema),
  responseHeaderModifier: optional(headerModifierSchema),
  requestMirror: optional(
    object("A copy of the request to another backend.", {
      backendRef: backendReferenceSchema,
      percent: optional(integer("Share of requests.", 0, 100)),
      fraction: optional(
        object("Share of requests.", {
          numerator: integer("Of so many.", 0, maxInt32),
          denominator: integer("In so many.", 1, maxInt32, { default: 100 }),
        }),
      ),
    }),
  ),
  requestRedirect: optional(
    object("An answer that sends the client elsewhere.", {
      scheme: optional(oneOf("Scheme of the new location.", ["http", "https"])),
      hostname: optional(text("Host of the new location.", preciseHostname)),
      path: optional(pathModifierSchema),
      port: optional(port("Port of the new location.")),
      statusCode: integerOf("Status of the answer.", [301, 302, 303, 307, 308], { default: 302 }),
    }),
  ),
  urlRewrite: optional(
    object("A new host or path for the backend.", {
      hostname: optional(text("Host that the backend sees.", preciseHostname)),
      path: optional(pathModifierSchema),
    }),
  ),
  cors: optional(
    object("Answers to cross-origin requests.", {
      allowOrigins: optional(
        list(
          "Origins.",
          text("An origin.", {
            min: 1,
            max: 253,
            pattern: origin,
            expected: "an origin such as https://shop.example.com",
          }),
          {
            max: maxCorsEntries,
            unique: true,
          },
        ),
      ),
      allowCredentials: optional(flag("Allow credentials.")),
      allowMethods: optional(
        list("Methods.", oneOf("A method.", [...httpMethods, "*"]), { max: 9, unique: true }),
      ),
      allowHeaders: optional(
        list("Request headers.", text("A header.", headerName), { max: maxCorsEntries, unique: true }),
      ),
      exposeHeaders: optional(
        list("Response headers.", text("A header.", headerName), { max: maxCorsEntries, unique: true }),
      ),
      maxAge: integer("Seconds that the answer may be cached.", 1, maxInt32, { default: 5 }),
    }),
  ),
  externalAuth: optional(externalAuthSchema),
  extensionRef: optional(localReferenceSchema),
});
export type HttpRouteFilter = ValueOf<typeof filterSchema>;

export const filtersSchema = list("Changes to request and response.", filterSchema, { max: maxFilters });

const fieldOfType: Readonly<Record<HttpRouteFilter["type"], Exclude<keyof HttpRouteFilter, "type">>> = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  RequestRedirect: "requestRedirect",
  URLRewrite: "urlRewrite",
  ExtensionRef: "extensionRef",
  CORS: "cors",
  ExternalAuth: "externalAuth",
};

export function checkFilters(filters: readonly HttpRouteFilter[], path: string): Issue[] {
  const issues: Issue[] = [];
  const count = (type: HttpRouteFilter["type"]): number =>
    filters.filter((filter) => filter.type === type).length;
  for (const type of [
    "CORS",
    "RequestHeaderModifier",
    "ResponseHeaderModifier",
    "RequestRedirect",
    "URLRewrite",
  ] as const) {
    if (count(type) > 1) issues.push({ path, message: `${type} filter cannot be repeated` });
  }
  if (count("RequestRedirect") > 0 && count("URLRewrite") > 0) {
    issues.push({ path, message: "may have either a RequestRedirect or a URLRewrite filter, but not both" });
  }
  for (const [index, filter] of filters.entries()) issues.push(...checkFilter(filter, `${path}[${index}]`));
  return issues;
}

function checkFilter(filter: HttpRouteFilter, path: string): Issue[] {
  const issues: Issue[] = [];
  for (const [type, field] of Object.entries(fieldOfType)) {
    const isGiven = filter[field] !== undefined;
    if (type === filter.type && !isGiven)
      issues.push({ path: `${path}.${field}`, message: `is required where type is ${type}` });
    if (type !== filter.type && isGiven)
      issues.push({ path: `${path}.${field}`, message: `must be absent where type is ${filter.type}` });
  }
  for (const field of ["requestHeaderModifier", "responseHeaderModifier"] as const) {
    for (const list of ["set", "add"] as const) {
      issues.push(...repeatedNames(filter[field]?.[list] ?? [], `${path}.${field}.${list}`, true));
    }
  }
  for (const field of ["requestRedirect", "urlRewrite"] as const) {
    const modifier = filter[field]?.path;
    if (modifier === undefined) continue;
    const wanted = modifier.type === "ReplaceFullPath" ? "replaceFullPath" : "replacePrefixMatch";
    const other = modifier.type === "ReplaceFullPath" ? "replacePrefixMatch" : "replaceFullPath";
    if (modifier[wanted] === undefined)
      issues.push({
        path: `${path}.${field}.path.${wanted}`,
        message: `is required where type is ${modifier.type}`,
      });
    if (modifier[other] !== undefined)
      issues.push({
        path: `${path}.${field}.path.${other}`,
        message: `must be absent where type is ${modifier.type}`,
      });
  }
  const mirror = filter.requestMirror;
  if (mirror !== undefined) {
    if (mirror.percent !== undefined && mirror.fraction !== undefined) {
      issues.push({
        path: `${path}.requestMirror`,
        message: "only one of percent and fraction may be given",
      });
    }
    if (mirror.fraction !== undefined && mirror.fraction.numerator > mirror.fraction.denominator) {
      issues.push({
        path: `${path}.requestMirror.fraction.numerator`,
        message: "must be less than or equal to denominator",
      });
    }
    issues.push(...checkBackendPort(mirror.backendRef, `${path}.requestMirror.backendRef`));
  }
  if (filter.externalAuth !== undefined) {
    issues.push(...checkExternalAuth(filter.externalAuth, `${path}.externalAuth`));
  }
  for (const field of ["allowOrigins", "allowMethods", "allowHeaders"] as const) {
    const values: readonly string[] = filter.cors?.[field] ?? [];
    if (values.length > 1 && values.includes("*")) {
      issues.push({ path: `${path}.cors.${field}`, message: "must not contain '*' beside other entries" });
    }
  }
  return issues;
}

export function prefixRewriteField(filter: HttpRouteFilter): string | undefined {
  if (filter.requestRedirect?.path?.replacePrefixMatch !== undefined) return "requestRedirect";
  return filter.urlRewrite?.path?.replacePrefixMatch === undefined ? undefined : "urlRewrite";
}
