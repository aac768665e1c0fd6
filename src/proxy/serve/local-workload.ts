/** Whose proxy this is, from its bootstrap. */
import type { ProxyBootstrap } from "../bootstrap.ts";

export interface LocalWorkload {
  readonly role: ProxyBootstrap["role"];
  readonly namespace: string;
  readonly name: string;
  /** "namespace/name" */
  readonly key: string;
  /** Canonical text. */
  readonly addresses: readonly string[];
  /** Of the program, as its labels tell; empty: they do not. */
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
}

export function localWorkload({ role, workload }: Pick<ProxyBootstrap, "role" | "workload">): LocalWorkload {
  const { labels, namespace, name, addresses } = workload;
  const version = labels["app.kubernetes.io/version"] ?? labels["version"] ?? "";
  return { role, namespace, name, key: `${namespace}/${name}`, addresses, version, labels };
}
