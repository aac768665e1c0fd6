/** Reads what a discovery request says about its sender and about types. */
import { canonicalIp } from "../kernel/index.ts";
import { type ModelKind, modelSchemas, typeUrl } from "../model/index.ts";
import type { Node } from "../wire/index.ts";
import type { MetricsPlace, ProxyIdentity, ProxyRole } from "./wishes.ts";

/** More than any machine that serves gateways has. */
const maxAddresses = 4_096;

const label = "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?";
const idPattern = new RegExp(`^(?<namespace>${label})/(?<name>${label})$`);

const kindsByTypeUrl = new Map<string, ModelKind>();
for (const kind of Object.keys(modelSchemas)) if (isModelKind(kind)) kindsByTypeUrl.set(typeUrl(kind), kind);
export const knownTypeUrls: readonly string[] = [...kindsByTypeUrl.keys()];

export function kindOfTypeUrl(url: string): ModelKind | undefined {
  return kindsByTypeUrl.get(url);
}

/** Undefined where the id is not "namespace/workload", the role is unknown, or the two namespaces differ. */
export function parseNode(node: Node): ProxyIdentity | undefined {
  const groups = idPattern.exec(node.id)?.groups;
  const role = node.metadata?.["role"];
  const namespace = groups?.["namespace"];
  const name = groups?.["name"];
  if (namespace === undefined || name === undefined || !isRole(role)) return undefined;
  const claimed = node.metadata?.["namespace"];
  if (claimed !== undefined && claimed !== namespace) return undefined;
  const addresses = role === "gateway" ? addressesIn(node.metadata?.["addresses"]) : undefined;
  const metrics = metricsPlaceIn(node.metadata?.["metrics"]);
  return { workload: node.id, namespace, name, role, addresses, metrics };
}

/** The newest revision that the proxy runs; 0: it does not say. */
export function statedRevision(node: Node): number {
  const revision = node.metadata?.["revision"];
  return typeof revision === "number" && Number.isSafeInteger(revision) && revision > 0 ? revision : 0;
}

/** A name is none: nobody shall be sent to ask for what a proxy writes. */
function metricsPlaceIn(value: unknown): MetricsPlace | undefined {
  const place = new Map<string, unknown>(Object.entries(value ?? {}));
  const [text, port] = [place.get("address"), place.get("port")];
  const address = typeof text === "string" ? canonicalIp(text) : undefined;
  if (address === undefined || typeof port !== "number" || !Number.isInteger(port)) return undefined;
  return port < 1 || port > 65_535 ? undefined : { address, port };
}

/** What is no address is nobody's, and left out. */
function addressesIn(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const addresses = value
    .slice(0, maxAddresses)
    .flatMap((each: unknown) => (typeof each === "string" ? (canonicalIp(each) ?? []) : []));
  return [...new Set(addresses)].toSorted();
}

function isRole(value: unknown): value is ProxyRole {
  return value === "sidecar" || value === "gateway";
}

function isModelKind(name: string): name is ModelKind {
  return Object.hasOwn(modelSchemas, name);
}
