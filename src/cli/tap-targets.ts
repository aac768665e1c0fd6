/** What a tap is narrowed to: names on the command line, each a service, a workload, or both. */
import type { KindName } from "../api/index.ts";
import type { ApiClient, TapQuery } from "../client/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { SharedOptions } from "./shared-options.ts";

type Targets = Pick<TapQuery, "namespaces" | "services" | "workloads" | "routes">;

const prefixes: Readonly<Record<string, "services" | "workloads" | "routes">> = {
  service: "services",
  svc: "services",
  workload: "workloads",
  route: "routes",
};

/** No names: the namespace, or with -A everything. Rejects with `not_found` where nothing has that name. */
export async function tapTargets(
  client: Pick<ApiClient, "get">,
  names: readonly string[],
  { namespace, allNamespaces }: Pick<SharedOptions, "namespace" | "allNamespaces">,
): Promise<Targets> {
  if (names.length === 0) return allNamespaces === true ? {} : { namespaces: [namespace] };
  const found = {
    services: new Array<string>(),
    workloads: new Array<string>(),
    routes: new Array<string>(),
  };
  for (const given of names) {
    const [prefix, name] = given.includes("/") ? splitAt(given) : [undefined, given];
    if (prefix !== undefined) {
      const list = prefixes[prefix];
      if (list === undefined) {
        throw new WeftError("usage", `${JSON.stringify(given)} is no target of a tap`, {
          hint: "write NAME, service/NAME, workload/NAME or route/NAME, and the namespace with -n",
        });
      }
      found[list].push(`${namespace}/${name}`);
      continue;
    }
    const isService = await exists(client, ["Service", "ExternalService"], { namespace, name });
    const isWorkload = await exists(client, ["MeshWorkload"], { namespace, name });
    if (!isService && !isWorkload) {
      throw new WeftError("not_found", `there is no service or workload ${name} in namespace ${namespace}`, {
        hint: "weft get services,meshworkloads -A lists them",
      });
    }
    if (isService) found.services.push(`${namespace}/${name}`);
    if (isWorkload) found.workloads.push(`${namespace}/${name}`);
  }
  return found;
}

function splitAt(text: string): [string, string] {
  const slash = text.indexOf("/");
  return [text.slice(0, slash), text.slice(slash + 1)];
}

/** Who may tap need not be allowed to read resources: then the name is taken at its word. */
async function exists(
  client: Pick<ApiClient, "get">,
  kinds: readonly KindName[],
  place: { readonly namespace: string; readonly name: string },
): Promise<boolean> {
  for (const kind of kinds) {
    try {
      await client.get(kind, place);
      return true;
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
      if (error.code === "forbidden") return true;
      if (error.code !== "not_found") throw error;
    }
  }
  return false;
}
