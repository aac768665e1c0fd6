/** The right that a request needs, told from what it names. A part that adds a path adds its line here. */
import { kinds } from "../api/index.ts";
import type { AccessRequest, ResourceAccess } from "./authorization/access-request.ts";
import type { RequestTarget } from "./request-target.ts";
import { methodNotAllowed } from "./resources.ts";
import { tapAccess } from "./tap/tap-query.ts";

/** "proven": whoever is somebody may. "each": the answer asks for each object by itself. */
export type NeededAccess = AccessRequest | "proven" | "each";

const objectVerbs: Readonly<Record<string, string>> = {
  GET: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

export function accessOf(http: Request, target: RequestTarget, query: URLSearchParams): NeededAccess {
  switch (target.type) {
    case "health":
    case "auth":
    case "events":
      return "proven";
    case "discovery":
      return { type: "path", verb: "get", path: target.path };
    case "mesh":
      return meshAccess(http.method, target.what);
    case "history":
      // Of a rollback each object is asked for by itself, as of a transaction.
      return target.what === "rollback"
        ? "each"
        : resource({ verb: "get", group: "weft.dev", resource: "mesh", subresource: "history" });
    case "rollout":
      // Beginning and ending one takes the right to each object.
      return http.method === "GET"
        ? resource({ verb: "get", group: "weft.dev", resource: "mesh", subresource: "rollouts" })
        : "each";
    case "tap":
      return tapAccess(query);
    case "tapped_request":
      return resource({ verb: "get", group: "weft.dev", resource: "mesh", subresource: "requests" });
    case "scrape":
      return resource({ verb: "get", group: "weft.dev", resource: "mesh", subresource: "prometheus" });
    case "review":
      return target.what === "subjectaccessreviews" || target.what === "localsubjectaccessreviews"
        ? resource({
            verb: "create",
            group: "authorization.k8s.io",
            resource: target.what,
            namespace: target.namespace,
          })
        : "proven";
    case "join_token": {
      const { namespace, serviceAccount: name } = target;
      return resource({ verb: "create", resource: "serviceaccounts", subresource: "token", namespace, name });
    }
    case "collection": {
      const { group, plural } = kinds[target.kind];
      const namespace = target.namespace ?? "";
      if (http.method === "POST") return resource({ verb: "create", group, resource: plural, namespace });
      if (http.method === "DELETE")
        return resource({ verb: "deletecollection", group, resource: plural, namespace });
      if (http.method !== "GET") throw methodNotAllowed(http, "GET, POST, DELETE");
      const verb = ["1", "true"].includes(query.get("watch") ?? "") ? "watch" : "list";
      // A rule for one name allows a list that is narrowed to it.
      const name = /^metadata\.name==?([^,]+)$/.exec(query.get("fieldSelector") ?? "")?.[1] ?? "";
      return resource({ verb, group, resource: plural, namespace, name });
    }
    case "object": {
      const { group, plural } = kinds[target.kind];
      const verb = objectVerbs[http.method];
      if (verb === undefined) throw methodNotAllowed(http, "GET, PUT, PATCH, DELETE");
      // As in Kubernetes, a Namespace counts as being inside of itself.
      const namespace = target.kind === "Namespace" ? target.name : target.namespace;
      const subresource = target.isStatus ? "status" : "";
      return resource({ verb, group, resource: plural, subresource, namespace, name: target.name });
    }
  }
}

function meshAccess(method: string, what: (RequestTarget & { type: "mesh" })["what"]): NeededAccess {
  switch (what) {
    case "transactions":
      return "each";
    case "metrics":
      return { type: "path", verb: "get", path: "/metrics" };
    case "audit":
    case "audit-verification":
      return resource({ verb: "get", group: "weft.dev", resource: "mesh", subresource: "audit" });
    case "explain":
      return resource({ verb: "create", group: "weft.dev", resource: "explanations" });
    case "plan":
      return resource({ verb: "create", group: "weft.dev", resource: "plans" });
    case "revocations":
      return resource({ verb: "create", group: "weft.dev", resource: "revocations" });
    case "root_rotation":
      return resource({
        verb: method === "GET" ? "get" : "update",
        group: "weft.dev",
        resource: "rootrotations",
      });
    default:
      return resource({ verb: "get", group: "weft.dev", resource: "mesh", subresource: what });
  }
}

function resource(
  access: Partial<ResourceAccess> & Pick<ResourceAccess, "verb" | "resource">,
): ResourceAccess {
  return { type: "resource", group: "", subresource: "", namespace: "", name: "", ...access };
}
