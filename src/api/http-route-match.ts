/** What an HTTPRoute rule matches (Gateway API v1.6). */
import type { Issue } from "../kernel/index.ts";
import { headerName, headerValue, queryValue } from "./formats.ts";
import { list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

/** Gateway API's bounds. */
const maxMatches = 64;
const maxConditions = 16;

export const httpMethods = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
] as const;

const everyPath = { type: "PathPrefix", value: "/" };

const pathMatchSchema = object(
  "The request's path.",
  {
    type: oneOf("How value is compared.", ["Exact", "PathPrefix", "RegularExpression"], {
      default: "PathPrefix",
    }),
    value: text(
      "The path. /a as a prefix matches /a and /a/b, not /ab.",
      { min: 0, max: 1024 },
      { default: "/" },
    ),
  },
  { default: everyPath },
);

function valueMatches(what: string, value: typeof headerValue) {
  return list(
    `All of them must match. Only the first entry counts for a ${what} that is named twice.`,
    object(`A ${what} and its value.`, {
      type: oneOf("How value is compared.", ["Exact", "RegularExpression"], { default: "Exact" }),
      name: text(`Name of the ${what}.`, headerName),
      value: text("The value, or a regular expression (RE2) that all of it must match.", value),
    }),
    { max: maxConditions, keys: ["name"] },
  );
}

const matchSchema = object("All that is given must match.", {
  path: pathMatchSchema,
  headers: optional(valueMatches("header", headerValue)),
  queryParams: optional(valueMatches("query parameter", queryValue)),
  method: optional(oneOf("The request's method; any where absent.", httpMethods)),
});
export type HttpRouteMatch = ValueOf<typeof matchSchema>;

export const matchesSchema = list("The rule applies where one of them matches.", matchSchema, {
  max: maxMatches,
  default: [{ path: everyPath }],
});

export const faultMatchesSchema = list("Only requests for which one of them holds.", matchSchema, {
  min: 1,
  max: maxMatches,
});

const pathCharacters = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/;

export function checkMatch(match: HttpRouteMatch, path: string): Issue[] {
  return [
    ...checkPath(match.path, `${path}.path.value`),
    ...repeatedNames(match.headers ?? [], `${path}.headers`, true),
    ...repeatedNames(match.queryParams ?? [], `${path}.queryParams`, false),
  ];
}

function checkPath({ type, value }: HttpRouteMatch["path"], path: string): Issue[] {
  if (type === "RegularExpression") return [];
  if (!value.startsWith("/")) return [{ path, message: "must be an absolute path that starts with /" }];
  for (const part of ["//", "/./", "/../", "%2f", "%2F", "#"]) {
    if (value.includes(part)) return [{ path, message: `must not contain '${part}'` }];
  }
  for (const part of ["/..", "/."]) {
    if (value.endsWith(part)) return [{ path, message: `must not end with '${part}'` }];
  }
  return pathCharacters.test(value) ? [] : [{ path, message: "must only contain valid path characters" }];
}

/** Lists that are maps by name in Kubernetes refuse a name that stands there twice. */
export function repeatedNames(
  entries: readonly { readonly name: string }[],
  path: string,
  ignoreCase: boolean,
): Issue[] {
  const seen = new Set<string>();
  const issues: Issue[] = [];
  for (const [index, { name }] of entries.entries()) {
    const key = ignoreCase ? name.toLowerCase() : name;
    if (seen.has(key)) issues.push({ path: `${path}[${index}].name`, message: `${name} is listed twice` });
    seen.add(key);
  }
  return issues;
}
