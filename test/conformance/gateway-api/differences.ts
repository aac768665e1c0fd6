/** Where weft's verdict differs from the published CRDs' on purpose. */

interface Verdicts {
  /** What the CRD says; empty: valid. */
  readonly published: readonly string[];
  readonly own: readonly string[];
}

interface Difference {
  readonly why: string;
  /** Of an issue of weft's: `path: message`. */
  readonly pattern: RegExp;
}

/** What weft refuses and the CRD takes. Every issue of weft's must be one of these. */
const stricter: readonly Difference[] = [
  {
    why: "weft has no default Gateways: a route that asks for them is told so, and not left without a parent in silence",
    pattern: /^spec\.(useDefaultGateways|defaultScope): unknown field/,
  },
  {
    why: "names that differ in case only are one header (RFC 9110): Gateway API says to ignore the second, weft says so to its author",
    pattern: /\.(headers|set|add)\[\d+\]\.name: .* is listed twice$/,
  },
  {
    why: "no header has a name of more than some thousand characters",
    pattern:
      /\.(remove|allowedHeaders|allowedResponseHeaders)\[\d+\]: must not be longer than \d+ characters$/,
  },
  {
    why: "more tries than ten are no way to reach anybody",
    pattern: /\.retry\.attempts: must be 10 or less$/,
  },
  {
    why: "selectors and options are checked as Kubernetes checks labels: others match nothing",
    pattern: /\.(matchLabels|matchExpressions|options)[.[]/,
  },
  {
    why: "the CRD's pattern is anchored in one of its alternatives only",
    pattern: /\.(addresses\[\d+\]\.type|listeners\[\d+\]\.protocol): must be/,
  },
];

/** Rules that cannot be broken without breaking the schema first. */
export const neverBroken: ReadonlySet<string> = new Set([
  "type must be one of ['Exact', 'PathPrefix', 'RegularExpression']",
  // Names of a list that is a map by them.
  "Listener name must be unique within the Gateway",
  "Port for TLS configuration must be unique within the Gateway",
  "Hostnames must be valid based on RFC-1123",
  "Wildcards on hostnames must be the first label, and the rest of hostname must be valid based on RFC-1123",
  "If specified, the label key's prefix must be a DNS subdomain not longer than 253 characters in total.",
  "If specified, the annotation key's prefix must be a DNS subdomain not longer than 253 characters in total.",
]);

/** Why they may differ; undefined: they must not. */
export function differenceOf({ published, own }: Verdicts): string | undefined {
  if (published.length > 0) return undefined;
  const reasons = own.map((issue) => stricter.find(({ pattern }) => pattern.test(issue))?.why);
  return reasons.includes(undefined) ? undefined : reasons[0];
}
