/** The textual forms that fields take: bounds, pattern and what a person should write instead. Patterns are those of Kubernetes and Gateway API. */

export interface TextFormat {
  readonly min: number;
  readonly max: number;
  readonly pattern?: string;
  /** Completes "must be …". */
  readonly expected?: string;
}

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const path = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

export const dnsLabel: TextFormat = {
  min: 1,
  max: 63,
  pattern: `^${label}$`,
  expected: "lower-case letters, digits and '-', such as reviews-v2",
};
export const dnsSubdomain: TextFormat = {
  min: 1,
  max: 253,
  pattern: `^${subdomain}$`,
  expected: "lower-case letters, digits, '-' and '.', such as reviews.v2",
};
export const namespacedName: TextFormat = {
  min: 3,
  max: 317,
  pattern: `^${label}/${subdomain}$`,
  expected: "a namespace and a name such as shop/web",
};
/** Service names start with a letter (RFC 1035). */
export const serviceName: TextFormat = {
  min: 1,
  max: 63,
  pattern: "^[a-z]([-a-z0-9]*[a-z0-9])?$",
  expected: "a lower-case letter, then letters, digits and '-', such as reviews",
};
export const portName: TextFormat = {
  ...dnsLabel,
  expected: "lower-case letters, digits and '-', such as http-web",
};
export const groupName: TextFormat = {
  min: 0,
  max: 253,
  pattern: `^$|^${subdomain}$`,
  expected: "an API group such as gateway.networking.k8s.io, or empty for the core group",
};
export const kindNameFormat: TextFormat = {
  min: 1,
  max: 63,
  pattern: "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$",
  expected: "a kind such as Service",
};
export const objectName: TextFormat = { min: 1, max: 253 };
export const hostname: TextFormat = {
  min: 1,
  max: 253,
  pattern: `^(\\*\\.)?${subdomain}$`,
  expected: "a lower-case host name such as shop.example.com or *.example.com",
};
export const preciseHostname: TextFormat = {
  min: 1,
  max: 253,
  pattern: `^${subdomain}$`,
  expected: "a lower-case host name such as shop.example.com",
};
export const controllerName: TextFormat = {
  min: 1,
  max: 253,
  pattern: `^${subdomain}/${path}$`,
  expected: "a domain and a path such as weft.dev/gateway-controller",
};
export const headerName: TextFormat = {
  min: 1,
  max: 256,
  pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$",
  expected: "an HTTP header name such as x-request-id",
};
/** What the CRD's pattern means, without its ambiguity, which costs exponential time. */
export const headerValue: TextFormat = {
  min: 1,
  max: 4096,
  pattern: "^[!-~]+(?:[\\t ][!-~]+)*$",
  expected: "words of printable ASCII with one space or tab between them",
};
/** GRPCRoute's matches leave it open. */
export const openHeaderValue: TextFormat = { min: 1, max: 4096 };
/** RFC 6265: a token, which is a valid header name too. */
export const cookieName: TextFormat = { ...headerName, max: 128, expected: "a token such as session-id" };
export const queryName: TextFormat = {
  ...headerName,
  expected: "the name of a query parameter such as user",
};
export const queryValue: TextFormat = { min: 1, max: 1024 };
export const duration: TextFormat = {
  min: 2,
  max: 28,
  pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$",
  expected: "a duration such as 1h, 30s or 1m500ms",
};
export const labelKey: TextFormat = {
  min: 1,
  max: 317,
  pattern: `^(${subdomain}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`,
  expected: "a label key such as app or app.kubernetes.io/name",
};
export const labelValue: TextFormat = {
  min: 0,
  max: 63,
  pattern: "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
  expected: "at most 63 letters, digits, '-', '_' and '.'",
};
const place = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";
export const regionName: TextFormat = {
  min: 1,
  max: 63,
  pattern: `^${place}$`,
  expected: "a region such as eu-west",
};
export const localityName: TextFormat = {
  min: 1,
  max: 127,
  pattern: `^(\\*|${place}(/${place})?)$`,
  expected: "a region, a region and a zone such as eu-west/a, or *",
};
/** One annotation; all of them together are bounded by the object's size. */
export const annotationValue: TextFormat = { min: 0, max: 262_144 };
export const annotationOfGateway: TextFormat = { min: 0, max: 4096 };
export const dataKey: TextFormat = {
  min: 1,
  max: 253,
  pattern: "^[-._a-zA-Z0-9]+$",
  expected: "letters, digits, '-', '_' and '.', such as tls.crt",
};
/** A ConfigMap or Secret may hold 1 MiB in total; base64 makes a third more of it. */
export const dataValue: TextFormat = { min: 0, max: 1_400_000 };
export const base64: TextFormat = {
  min: 0,
  max: 1_400_000,
  pattern: "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
  expected: "base64 (RFC 4648)",
};
export const conditionType: TextFormat = {
  min: 1,
  max: 316,
  pattern: `^(${subdomain}/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$`,
  expected: "a condition type such as Accepted",
};
export const conditionReason: TextFormat = {
  min: 1,
  max: 1024,
  pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
  expected: "a reason in CamelCase",
};
export const listenerProtocol: TextFormat = {
  min: 1,
  max: 255,
  pattern: `^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|^${subdomain}/[A-Za-z0-9]+$`,
  expected: "HTTP, HTTPS, TLS, TCP or a protocol of the form domain/name",
};
export const addressType: TextFormat = {
  min: 1,
  max: 253,
  pattern: `^(Hostname|IPAddress|NamedAddress|${subdomain}/${path})$`,
  expected: "IPAddress, Hostname, NamedAddress or a type of the form domain/name",
};
export const timestamp: TextFormat = {
  min: 20,
  max: 35,
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$",
  expected: "a time such as 2026-01-31T12:00:00Z",
};
export const ipAddress: TextFormat = { min: 2, max: 45 };
export const cidr: TextFormat = { min: 4, max: 49 };
export const anyText: TextFormat = { min: 0, max: 4096 };
export const message: TextFormat = { min: 0, max: 32_768 };
/** A commit of git, whole or shortened, or whatever another system calls it. */
export const sourceCommitFormat: TextFormat = {
  min: 1,
  max: 256,
  pattern: "^[!-~]+$",
  expected: "the id of a commit, such as 3f2a9c1",
};
