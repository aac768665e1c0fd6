/**
 * Policies as configuration of Envoy's RBAC filter. Translated: identities, namespaces, service accounts, trust domains and
 * principals of tokens (headers carry them), address blocks of the peer and of the client, methods, paths and templates, hosts,
 * ports, gRPC services and methods, headers, all of them negated too, and how deny, levels and the default combine. Not
 * translated, as Envoy has nothing that means the same: conditions, server names, custom policies, audits and dry runs.
 */
import {
  type Authorization,
  AuthorizationAction,
  type AuthorizationPolicy,
  type AuthorizationRule,
  type CallerMatch,
  type OperationMatch,
} from "../../../src/model/index.ts";
import type { MeshNames } from "./case.ts";

type Json = Readonly<Record<string, unknown>>;

/** Where facts that Envoy does not know are written down for it. */
export const factHeaders = { identity: "x-identity", principal: "x-principal" } as const;

/** One RBAC filter each, in this order. A route has its own rules for each of them; none: the filter lets through. */
export const rbacFilters = ["deny", "united", "mesh", "namespace", "workload", "route"] as const;

export interface Translation {
  readonly mesh: MeshNames;
  /** Of the policies' ports, the listeners'. */
  readonly ports: ReadonlyMap<number, number>;
}

/** By the name of the filter. */
export function translate(authorization: Authorization, translation: Translation): Map<string, Json> {
  const rules = new Map<string, Json>();
  const of = (action: AuthorizationAction): AuthorizationPolicy[] =>
    authorization.policies.filter((policy) => policy.action === action && !policy.dryRun);
  const denies = of(AuthorizationAction.DENY);
  const allows = of(AuthorizationAction.ALLOW);
  if (denies.length > 0) rules.set("deny", rbac("DENY", denies, translation));
  if (allows.length === 0) {
    if (authorization.defaultDeny) rules.set("united", rbac("ALLOW", [], translation));
  } else if (authorization.unitesLevels) rules.set("united", rbac("ALLOW", allows, translation));
  else {
    for (const [level, policies] of Map.groupBy(allows, (policy) => policy.level))
      rules.set(rbacFilters[level + 1] ?? "", rbac("ALLOW", policies, translation));
  }
  return rules;
}

function rbac(
  action: "ALLOW" | "DENY",
  policies: readonly AuthorizationPolicy[],
  translation: Translation,
): Json {
  const entries = policies.flatMap(({ source, rules }) =>
    rules.map((rule): [string, Json] => [
      `${source?.name} ${rule.name}`,
      policyOf(rule, { ...translation, isAllow: action === "ALLOW" }),
    ]),
  );
  return { action, policies: Object.fromEntries(entries) };
}

interface Context extends Translation {
  readonly isAllow: boolean;
}

function policyOf(rule: AuthorizationRule, context: Context): Json {
  const any = [{ any: true }];
  return {
    principals:
      rule.from.length === 0 ? any : rule.from.map((from) => all("ids", callerConditions(from, context))),
    permissions:
      rule.to.length === 0 ? any : rule.to.map((to) => all("rules", operationConditions(to, context))),
  };
}

function all(list: "ids" | "rules", conditions: readonly Json[]): Json {
  if (conditions.length === 0) return { any: true };
  return list === "ids" ? { and_ids: { ids: conditions } } : { and_rules: { rules: conditions } };
}

/** Of principals `ids`, of permissions `rules`; both have the same words for the rest. */
class Conditions {
  readonly found: Json[] = [];
  readonly #list: "ids" | "rules";
  readonly #isAllow: boolean;

  constructor(list: "ids" | "rules", isAllow: boolean) {
    this.#list = list;
    this.#isAllow = isAllow;
  }

  /** `isThere`: without it an allow cannot know that no entry matches. */
  add<T>(entries: readonly T[], notEntries: readonly T[], one: (entry: T) => Json, isThere?: Json): void {
    if (entries.length > 0) this.found.push(this.#any(entries.map(one)));
    if (notEntries.length === 0) return;
    const none = this.#list === "ids" ? "not_id" : "not_rule";
    this.found.push({ [none]: this.#any(notEntries.map(one)) });
    if (this.#isAllow && isThere !== undefined) this.found.push(isThere);
  }

  #any(conditions: readonly Json[]): Json {
    return this.#list === "ids" ? { or_ids: { ids: conditions } } : { or_rules: { rules: conditions } };
  }
}

function callerConditions(match: CallerMatch, { mesh, isAllow }: Context): Json[] {
  const conditions = new Conditions("ids", isAllow);
  const own = `(${[mesh.trustDomain, ...mesh.trustDomainAliases].map(escape).join("|")})`;
  const identity = (pattern: string): Json =>
    header(factHeaders.identity, { safe_regex: { regex: pattern } });
  const isIdentity = (entry: string): Json => {
    if (entry === "*") return identity(".+");
    if (!entry.startsWith("spiffe://")) return identity(`spiffe://${own}/${glob(entry)}`);
    // What is written of this mesh is true of its aliases' too.
    const ofMesh = `spiffe://${mesh.trustDomain}/`;
    if (entry.startsWith(ofMesh))
      return identity(`spiffe://${own}/${glob(entry.slice(ofMesh.length), ".*")}`);
    return identity(glob(entry));
  };
  const isDomain = (entry: string): Json => {
    const aliases = isLike(entry, mesh.trustDomain) ? mesh.trustDomainAliases.map(escape) : [];
    return identity(`spiffe://(${[glob(entry, "[^/]*"), ...aliases].join("|")})/.+`);
  };
  const ownAccount = identity(`spiffe://${own}/ns/[^/]+/sa/[^/]+`);
  conditions.add(match.identities, match.notIdentities, isIdentity, identity(".+"));
  conditions.add(
    match.namespaces,
    match.notNamespaces,
    (entry) => identity(`spiffe://${own}/ns/${glob(entry, "[^/]*")}/sa/[^/]+`),
    ownAccount,
  );
  conditions.add(
    match.serviceAccounts,
    match.notServiceAccounts,
    (entry) => identity(`spiffe://${own}/ns/${accountGlob(entry)}`),
    ownAccount,
  );
  conditions.add(match.trustDomains, match.notTrustDomains, isDomain, identity(".+"));
  conditions.add(match.ipBlocks, match.notIpBlocks, (block) => ({ direct_remote_ip: cidr(block) }));
  conditions.add(match.remoteIpBlocks, match.notRemoteIpBlocks, (block) => ({ remote_ip: cidr(block) }));
  conditions.add(
    match.jwtPrincipals,
    match.notJwtPrincipals,
    (entry) => header(factHeaders.principal, { safe_regex: { regex: glob(entry) } }),
    header(factHeaders.principal, { safe_regex: { regex: ".+" } }),
  );
  return conditions.found;
}

function operationConditions(match: OperationMatch, { ports, isAllow }: Context): Json[] {
  const conditions = new Conditions("rules", isAllow);
  const call = (path: string): Json => ({
    and_rules: {
      rules: [
        header("content-type", { exact: "application/grpc" }),
        { url_path: { path: { safe_regex: { regex: path } } } },
        { url_path: { path: { safe_regex: { regex: "/.+/[^/]+" } } } },
      ],
    },
  });
  conditions.add(match.methods, match.notMethods, (entry) => header(":method", stringMatch(entry)));
  conditions.add(match.paths, match.notPaths, pathMatch);
  conditions.add(match.hosts, match.notHosts, (entry) =>
    header(":authority", { safe_regex: { regex: `(?i)${hostPattern(entry)}` } }),
  );
  conditions.add(match.ports, match.notPorts, (port) => ({ destination_port: ports.get(port) ?? port }));
  conditions.add(match.grpcServices, match.notGrpcServices, (entry) =>
    call(`/${glob(entry, ".*", ".+")}/[^/]+`),
  );
  conditions.add(match.grpcMethods, match.notGrpcMethods, (entry) => call(callPattern(entry)));
  conditions.add(match.headers, match.notHeaders, ({ name, value }) =>
    value === "*" ? { header: { name, present_match: true } } : header(name, stringMatch(value)),
  );
  return conditions.found;
}

function header(name: string, match: Json): Json {
  return { header: { name, string_match: match } };
}

function stringMatch(pattern: string): Json {
  if (pattern === "*") return { safe_regex: { regex: ".+" } };
  if (pattern.endsWith("*")) return { prefix: pattern.slice(0, -1) };
  return pattern.startsWith("*") ? { suffix: pattern.slice(1) } : { exact: pattern };
}

function pathMatch(pattern: string): Json {
  const normal = decodeURI(pattern).replace(/%2f/g, "%2F");
  if (!normal.includes("{")) return { url_path: { path: stringMatch(normal) } };
  if (!normal.includes("{**}")) {
    const type = "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";
    const config = { "@type": type, path_template: normal.replaceAll("{*}", "*") };
    return {
      uri_template: { name: "envoy.path.match.uri_template.uri_template_matcher", typed_config: config },
    };
  }
  const regex = normal.split("/").slice(1).map(segmentPattern).join("");
  return { url_path: { path: { safe_regex: { regex } } } };
}

function segmentPattern(segment: string): string {
  if (segment === "{**}") return "(/[^/]*)*";
  return segment === "{*}" ? "/[^/]+" : `/${escape(segment)}`;
}

/** A final dot and, where the pattern has none, a port may be there; the port of plaintext need not be. */
function hostPattern(entry: string): string {
  const [, host = "", port] = /^(\[[^\]]*\]|.*?)(?::(\d+))?$/.exec(entry) ?? [];
  const name = `(${glob(host, "[^:]*", "[^:]+|\\[.*\\]")})\\.?`;
  if (port === undefined) return `${name}(:[0-9]*)?`;
  return `${name}${port === "80" ? "(:(80)?)?" : `:${port}`}`;
}

function callPattern(entry: string): string {
  if (entry === "*") return "/.+/[^/]+";
  return `/${glob(entry)}`;
}

function accountGlob(entry: string): string {
  if (entry === "*") return "[^/]+/sa/[^/]+";
  const [namespace = "", name = ""] = entry.split("/");
  return `${glob(namespace, "[^/]*", "[^/]+")}/sa/${glob(name, "[^/]*", "[^/]+")}`;
}

/** `rest` stands for the star beside a text, `alone` for a star alone. */
function glob(pattern: string, rest = ".*", alone = ".+"): string {
  if (pattern === "*") return alone;
  return pattern.split("*").map(escape).join(rest);
}

function escape(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
}

function isLike(pattern: string, text: string): boolean {
  return new RegExp(`^${glob(pattern)}$`).test(text);
}

function cidr(block: string): Json {
  const [prefix, length] = block.split("/");
  return { address_prefix: prefix, prefix_len: Number(length) };
}
