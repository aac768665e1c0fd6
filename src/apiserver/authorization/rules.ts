/** Whether a role's rule allows something, and whether rules that somebody has cover a rule that they would give away. Pure. */
import type { PolicyRule } from "../../api/index.ts";
import { type AccessRequest, type ResourceAccess, resourceText } from "./access-request.ts";

const all = "*";

/** A rule with its lists as sets; what is "*" is a flag. */
export interface CompiledRule {
  readonly rule: PolicyRule;
  readonly verbs: Names;
  readonly groups: Names;
  readonly resources: Names;
  /** Undefined: objects of every name. */
  readonly names: ReadonlySet<string> | undefined;
  readonly paths: readonly string[];
}

interface Names {
  readonly isAll: boolean;
  readonly listed: ReadonlySet<string>;
}

export function compileRule(rule: PolicyRule): CompiledRule {
  const names = rule.resourceNames ?? [];
  return {
    rule,
    verbs: namesOf(rule.verbs),
    groups: namesOf(rule.apiGroups ?? []),
    resources: namesOf(rule.resources ?? []),
    names: names.length === 0 ? undefined : new Set(names),
    paths: rule.nonResourceURLs ?? [],
  };
}

export function ruleAllows(rule: CompiledRule, access: AccessRequest): boolean {
  if (!includes(rule.verbs, access.verb)) return false;
  if (access.type === "path") return rule.paths.some((pattern) => pathMatches(pattern, access.path));
  return (
    includes(rule.groups, access.group) &&
    resourceMatches(rule.resources, access) &&
    (rule.names === undefined || rule.names.has(access.name))
  );
}

/** Of everything, everywhere: whoever has it is an administrator. */
export function isEverything({ verbs, groups, resources, names }: CompiledRule): boolean {
  return verbs.isAll && groups.isAll && resources.isAll && names === undefined;
}

/** As many single permissions of one rule are compared one by one; a rule of more must be covered by one rule alone. */
const maxSinglePermissions = 65_536;

/** Whether everything that `wanted` allows is allowed by `owned` already. */
export function covers(owned: readonly CompiledRule[], wanted: PolicyRule): boolean {
  if (owned.some((rule) => coversAlone(rule, wanted))) return true;
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = wanted;
  const names = resourceNames.length === 0 ? [undefined] : resourceNames;
  const count = verbs.length * (apiGroups.length * resources.length * names.length + nonResourceURLs.length);
  if (count > maxSinglePermissions) return false;
  return singles(wanted).every((single) => owned.some((rule) => coversAlone(rule, single)));
}

/** One verb of one resource of one group for one name, or one verb of one path, each. */
function singles(rule: PolicyRule): PolicyRule[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const names = resourceNames.length === 0 ? [{}] : resourceNames.map((name) => ({ resourceNames: [name] }));
  return verbs.flatMap((verb) => [
    ...nonResourceURLs.map((path) => ({ verbs: [verb], nonResourceURLs: [path] })),
    ...apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        names.map((name) => ({ verbs: [verb], apiGroups: [group], resources: [resource], ...name })),
      ),
    ),
  ]);
}

function coversAlone(owned: CompiledRule, wanted: PolicyRule): boolean {
  if (!wanted.verbs.every((verb) => includes(owned.verbs, verb))) return false;
  const paths = wanted.nonResourceURLs ?? [];
  if (paths.length > 0)
    return paths.every((path) => owned.paths.some((pattern) => pathCovers(pattern, path)));
  const names = wanted.resourceNames ?? [];
  const coversNames =
    owned.names === undefined || (names.length > 0 && names.every((name) => owned.names?.has(name)));
  return (
    coversNames &&
    (wanted.apiGroups ?? []).every((group) => includes(owned.groups, group)) &&
    (wanted.resources ?? []).every((resource) => coversResource(owned.resources, resource))
  );
}

function coversResource(owned: Names, wanted: string): boolean {
  if (includes(owned, wanted)) return true;
  const slash = wanted.indexOf("/");
  return slash > 0 && owned.listed.has(`*${wanted.slice(slash)}`);
}

function resourceMatches(resources: Names, access: ResourceAccess): boolean {
  if (includes(resources, resourceText(access))) return true;
  return access.subresource !== "" && resources.listed.has(`*/${access.subresource}`);
}

function pathMatches(pattern: string, path: string): boolean {
  if (pattern === all || pattern === path) return true;
  return pattern.endsWith(all) && path.startsWith(pattern.slice(0, -1));
}

function pathCovers(pattern: string, wanted: string): boolean {
  if (pattern === all || pattern === wanted) return true;
  const rest = wanted.endsWith(all) ? wanted.slice(0, -1) : wanted;
  return pattern.endsWith(all) && rest.startsWith(pattern.slice(0, -1));
}

function includes(names: Names, name: string): boolean {
  return names.isAll || names.listed.has(name);
}

function namesOf(names: readonly string[]): Names {
  return { isAll: names.includes(all), listed: new Set(names) };
}
