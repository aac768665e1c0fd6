/**
 * What happens to objects between the check of their schema and the commit: their namespace must exist, their conditions must be
 * readable, and Services and ExternalServices get their virtual addresses. All of one transaction together, so that it is refused or taken as a whole.
 */
import { type ApiObject, keyOf, keyText, meshConfigName, namespaceOf } from "../api/index.ts";
import { conditionIssues } from "../compile/index.ts";
import { type Issue, WeftError } from "../kernel/index.ts";
import { assignAddresses } from "../registry/index.ts";
import type { Store } from "../store/index.ts";

/** An object with the place that issues are reported at: `objects[3].` in a transaction, nothing for a single one. */
export interface Candidate {
  readonly object: ApiObject;
  readonly pathPrefix: string;
}

/** In the same order. Throws `bad_input` with every issue. */
export function admit(
  store: Store,
  candidates: readonly Candidate[],
  deletedNamespaces: ReadonlySet<string>,
): ApiObject[] {
  const issues = [
    ...duplicates(candidates),
    ...missingNamespaces(store, candidates, deletedNamespaces),
    ...unreadableConditions(candidates),
  ];
  const { objects, issues: addressIssues } = withAddresses(store, candidates);
  refuse([...issues, ...addressIssues]);
  return objects;
}

export function refuse(issues: readonly Issue[]): void {
  const [first] = issues;
  if (first === undefined) return;
  const more = issues.length > 1 ? ` and ${issues.length - 1} more` : "";
  throw new WeftError("bad_input", `${first.path === "" ? "" : `${first.path}: `}${first.message}${more}`, {
    issues,
  });
}

function duplicates(candidates: readonly Candidate[]): Issue[] {
  const seen = new Set<string>();
  return candidates.flatMap(({ object, pathPrefix }) => {
    const key = keyText(keyOf(object));
    if (seen.has(key))
      return [{ path: `${pathPrefix}metadata.name`, message: `${key} is there twice in one change` }];
    seen.add(key);
    return [];
  });
}

/** No schema can tell: conditions are a language of their own. */
function unreadableConditions(candidates: readonly Candidate[]): Issue[] {
  return candidates.flatMap(({ object, pathPrefix }) =>
    conditionIssues(object).map(({ path, message }) => ({ path: `${pathPrefix}${path}`, message })),
  );
}

function missingNamespaces(
  store: Store,
  candidates: readonly Candidate[],
  deletedNamespaces: ReadonlySet<string>,
): Issue[] {
  const created = new Set(
    candidates.flatMap(({ object }) => (object.kind === "Namespace" ? [object.metadata.name] : [])),
  );
  return candidates.flatMap(({ object, pathPrefix }) => {
    const namespace = namespaceOf(object);
    if (namespace === "" || created.has(namespace)) return [];
    const exists = store.get({ kind: "Namespace", namespace: "", name: namespace }) !== undefined;
    if (exists && !deletedNamespaces.has(namespace)) return [];
    return [
      {
        path: `${pathPrefix}metadata.namespace`,
        message: `namespace ${namespace} does not exist; apply a Namespace of that name with it`,
      },
    ];
  });
}

function withAddresses(
  store: Store,
  candidates: readonly Candidate[],
): { objects: ApiObject[]; issues: Issue[] } {
  const { objects, refused } = assignAddresses(
    candidates.map(({ object }) => object),
    {
      service: (key) => store.get({ ...key, kind: "Service" }),
      external: (key) => store.get({ ...key, kind: "ExternalService" }),
      services: () => store.list({ kind: "Service" }).items,
      externals: () => store.list({ kind: "ExternalService" }).items,
      meshConfig: () => store.get({ kind: "MeshConfig", namespace: "", name: meshConfigName }),
    },
  );
  const issues = refused.map(({ index, field, message }) => ({
    path: `${candidates[index]?.pathPrefix ?? ""}${field}`,
    message,
  }));
  return { objects, issues };
}
