/** What a request's path names, in Kubernetes' layout of paths. */
import { findKind, type KindName, kinds, servedVersions } from "../api/index.ts";
import { type HistoryTarget, parseHistoryTarget } from "./history/history-target.ts";
import { parseRolloutTarget, type RolloutTarget } from "./rollout/rollout-target.ts";

type MeshPath =
  | "status"
  | "topology"
  | "signals"
  | "services"
  | "serviceviews"
  | "findings"
  | "transactions"
  | "plan"
  | "explain"
  | "metrics"
  | "refusals"
  | "plaintext"
  | "prometheus"
  | "certificates"
  | "revocations"
  | "root_rotation"
  | "audit"
  | "audit-verification";
export type AuthPath = "login" | "logout" | "session" | "methods" | "oidc-start" | "oidc-callback";
type ReviewName =
  | "selfsubjectreviews"
  | "selfsubjectaccessreviews"
  | "selfsubjectrulesreviews"
  | "subjectaccessreviews"
  | "localsubjectaccessreviews";

export type RequestTarget =
  | { readonly type: "health" }
  /** Kubernetes' tools ask for events of what they describe; there are none here. */
  | { readonly type: "events" }
  | { readonly type: "discovery"; readonly path: string }
  | {
      readonly type: "mesh";
      readonly what: MeshPath;
      /** Of a path that goes on with a namespace and a name. */
      readonly named?: { readonly namespace: string; readonly name: string };
    }
  | HistoryTarget
  | RolloutTarget
  | { readonly type: "tap" }
  | { readonly type: "tapped_request"; readonly id: string }
  | { readonly type: "scrape"; readonly workload: string }
  | { readonly type: "auth"; readonly what: AuthPath }
  | { readonly type: "review"; readonly what: ReviewName; readonly namespace: string }
  | { readonly type: "join_token"; readonly namespace: string; readonly serviceAccount: string }
  | {
      readonly type: "collection";
      readonly kind: KindName;
      /** As the path names it: the kind's own, or an older one that says the same. */
      readonly apiVersion: string;
      readonly namespace: string | undefined;
    }
  | {
      readonly type: "object";
      readonly kind: KindName;
      readonly apiVersion: string;
      readonly namespace: string;
      readonly name: string;
      readonly isStatus: boolean;
    };

const meshPaths: ReadonlyMap<string, MeshPath> = new Map<string, MeshPath>([
  ["/apis/weft.dev/v1alpha1/status", "status"],
  ["/apis/weft.dev/v1alpha1/topology", "topology"],
  ["/apis/weft.dev/v1alpha1/signals", "signals"],
  ["/apis/weft.dev/v1alpha1/services", "services"],
  ["/apis/weft.dev/v1alpha1/findings", "findings"],
  ["/apis/weft.dev/v1alpha1/transactions", "transactions"],
  ["/apis/weft.dev/v1alpha1/plan", "plan"],
  ["/apis/weft.dev/v1alpha1/explain", "explain"],
  ["/apis/weft.dev/v1alpha1/refusals", "refusals"],
  ["/apis/weft.dev/v1alpha1/plaintextcallers", "plaintext"],
  ["/apis/weft.dev/v1alpha1/prometheus/targets", "prometheus"],
  ["/apis/weft.dev/v1alpha1/certificates", "certificates"],
  ["/apis/weft.dev/v1alpha1/revocations", "revocations"],
  ["/apis/weft.dev/v1alpha1/root-rotation", "root_rotation"],
  ["/apis/weft.dev/v1alpha1/audit", "audit"],
  ["/apis/weft.dev/v1alpha1/audit/verification", "audit-verification"],
  ["/metrics", "metrics"],
]);

const serviceViewPattern = /^\/apis\/weft\.dev\/v1alpha1\/serviceviews\/(?<namespace>[^/]+)\/(?<name>[^/]+)$/;

const authPaths: ReadonlyMap<string, AuthPath> = new Map<string, AuthPath>([
  ["/auth/login", "login"],
  ["/auth/logout", "logout"],
  ["/auth/session", "session"],
  ["/auth/methods", "methods"],
  ["/auth/oidc/start", "oidc-start"],
  ["/auth/oidc/callback", "oidc-callback"],
]);

const reviewPaths: ReadonlyMap<string, ReviewName> = new Map<string, ReviewName>([
  ["/apis/authentication.k8s.io/v1/selfsubjectreviews", "selfsubjectreviews"],
  ["/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "selfsubjectaccessreviews"],
  ["/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "selfsubjectrulesreviews"],
  ["/apis/authorization.k8s.io/v1/subjectaccessreviews", "subjectaccessreviews"],
]);
const localReviewPattern =
  /^\/apis\/authorization\.k8s\.io\/v1\/namespaces\/([^/]+)\/localsubjectaccessreviews$/;

const tappedRequestPattern = /^\/apis\/weft\.dev\/v1alpha1\/requests\/([^/]+)$/;
const scrapePattern = /^\/apis\/weft\.dev\/v1alpha1\/prometheus\/proxies\/([^/]+)\/([^/]+)\/metrics$/;

const eventsPattern = /^\/api\/v1\/(namespaces\/[^/]+\/)?events$/;
const discoveryPattern =
  /^\/(version|api|apis|api\/v1|apis\/[^/]+|apis\/[^/]+\/[^/]+|openapi\/v3|openapi\/v3\/(api\/v1|apis\/[^/]+\/[^/]+)|openapi\/v2)$/;

/** Undefined: there is nothing of that name. */
export function parseRequestTarget(path: string): RequestTarget | undefined {
  if (path === "/healthz" || path === "/readyz" || path === "/livez") return { type: "health" };
  const what = meshPaths.get(path);
  if (what !== undefined) return { type: "mesh", what };
  const history = parseHistoryTarget(path);
  if (history !== undefined) return history;
  const rollout = parseRolloutTarget(path);
  if (rollout !== undefined) return rollout;
  if (path === "/apis/weft.dev/v1alpha1/tap") return { type: "tap" };
  const tapped = tappedRequestPattern.exec(path)?.[1];
  if (tapped !== undefined) return { type: "tapped_request", id: decodeSegment(tapped) };
  const view = serviceViewPattern.exec(path)?.groups;
  if (view !== undefined) {
    const [namespace, name] = [decodeSegment(view["namespace"] ?? ""), decodeSegment(view["name"] ?? "")];
    return { type: "mesh", what: "serviceviews", named: { namespace, name } };
  }
  const auth = authPaths.get(path);
  if (auth !== undefined) return { type: "auth", what: auth };
  const review = reviewPaths.get(path);
  if (review !== undefined) return { type: "review", what: review, namespace: "" };
  const local = localReviewPattern.exec(path)?.[1];
  if (local !== undefined) return { type: "review", what: "localsubjectaccessreviews", namespace: local };
  const scraped = scrapePattern.exec(path);
  if (scraped !== null) {
    const [namespace = "", name = ""] = scraped.slice(1).map(decodeSegment);
    return { type: "scrape", workload: `${namespace}/${name}` };
  }
  if (eventsPattern.test(path)) return { type: "events" };
  if (discoveryPattern.test(path)) return { type: "discovery", path };
  const groups = /^(?:\/api|\/apis\/(?<group>[^/]+))\/(?<version>[^/]+)(?<rest>\/.+)$/.exec(path)?.groups;
  if (groups === undefined) return undefined;
  const segments = (groups["rest"] ?? "").slice(1).split("/").map(decodeSegment);
  if (segments.includes("")) return undefined;
  return parseResource(groups["group"] ?? "", groups["version"] ?? "", segments);
}

function parseResource(
  group: string,
  version: string,
  segments: readonly string[],
): RequestTarget | undefined {
  // "namespaces/<ns>/<plural>/…" is about objects in a namespace; "namespaces/<ns>" is the Namespace itself.
  const inNamespace = segments[0] === "namespaces" && segments.length > 2 && segments[2] !== "status";
  const namespace = inNamespace ? segments[1] : undefined;
  const [plural = "", name, subresource, more] = inNamespace ? segments.slice(2) : segments;
  const kind = findKind(plural);
  if (kind === undefined || more !== undefined) return undefined;
  const definition = kinds[kind];
  if (definition.plural !== plural || definition.group !== group || !servedVersions(kind).includes(version))
    return undefined;
  if (definition.namespaced !== inNamespace && !(definition.namespaced && name === undefined))
    return undefined;
  const apiVersion = group === "" ? version : `${group}/${version}`;
  if (name === undefined) return { type: "collection", kind, apiVersion, namespace };
  if (kind === "ServiceAccount" && subresource === "token") {
    return { type: "join_token", namespace: namespace ?? "", serviceAccount: name };
  }
  if (subresource !== undefined && (subresource !== "status" || !definition.hasStatus)) return undefined;
  return {
    type: "object",
    kind,
    apiVersion,
    namespace: namespace ?? "",
    name,
    isStatus: subresource === "status",
  };
}

/** Empty where the escapes are broken or hide a slash. */
function decodeSegment(segment: string): string {
  try {
    const decoded = decodeURIComponent(segment);
    return decoded.includes("/") ? "" : decoded;
  } catch {
    return "";
  }
}
