/** The ExternalAuth filter of an HTTPRoute (Gateway API v1.6, experimental channel): read and checked, refused in status. */
import type { Issue } from "../kernel/index.ts";
import { anyText, type TextFormat } from "./formats.ts";
import { backendReferenceSchema, checkBackendPort } from "./references.ts";
import { integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

/** Gateway API's bound. */
const maxHeaders = 64;
const maxInt64 = Number.MAX_SAFE_INTEGER;

const pathPrefix: TextFormat = {
  min: 0,
  max: 1024,
  pattern: "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})*$",
  expected: "a path such as /auth",
};

function headerNames(description: string) {
  return optional(list(description, text("Name of a header.", anyText), { max: maxHeaders, unique: true }));
}

export const externalAuthSchema = object("A question to a service that decides about the request.", {
  protocol: oneOf("What the service speaks.", ["HTTP", "GRPC"]),
  backendRef: backendReferenceSchema,
  grpc: optional(
    object("Of Envoy's ext_authz.", {
      allowedHeaders: headerNames("Headers of the request that are sent; all where absent."),
    }),
  ),
  http: optional(
    object("Of a service that answers 200 where the request may go on.", {
      path: optional(text("Stands before the request's path.", pathPrefix)),
      allowedHeaders: headerNames("Headers of the request that are sent beside the usual ones."),
      allowedResponseHeaders: headerNames("Headers of the answer that go to the backend; all where absent."),
    }),
  ),
  forwardBody: optional(
    object("The request's body.", {
      maxSize: optional(integer("Bytes of it that are sent; 0: none.", 0, maxInt64)),
    }),
  ),
});
type ExternalAuth = ValueOf<typeof externalAuthSchema>;

export function checkExternalAuth(auth: ExternalAuth, path: string): Issue[] {
  const issues = checkBackendPort(auth.backendRef, `${path}.backendRef`);
  for (const [field, protocol] of [
    ["grpc", "GRPC"],
    ["http", "HTTP"],
  ] as const) {
    if (auth.protocol === protocol && auth[field] === undefined) {
      issues.push({ path: `${path}.${field}`, message: `is required where protocol is ${protocol}` });
    }
    if (auth.protocol !== protocol && auth[field] !== undefined) {
      issues.push({ path: `${path}.${field}`, message: `must be absent where protocol is ${auth.protocol}` });
    }
  }
  return issues;
}
