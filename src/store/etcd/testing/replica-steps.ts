/** What tests of several replicas have in common: objects, what is there, and waiting for what has no event. */
import { type ApiObject, parseObject } from "../../../api/index.ts";
import { WeftError } from "../../../kernel/index.ts";
import { configMap } from "../../store.contract.ts";
import type { Store } from "../../store.ts";

export const meta = { author: "ann", message: "test" };

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await Bun.sleep(5);
  }
}

export async function failure(action: Promise<unknown>): Promise<WeftError> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof WeftError) return error;
  throw new Error(`expected a WeftError, got ${String(error)}`);
}

export function valueOf(store: Store, name: string): string | undefined {
  return store.get({ kind: "ConfigMap", namespace: "default", name })?.data?.["value"];
}

export function put(name: string, value: string): { readonly type: "put"; readonly object: ApiObject } {
  return { type: "put", object: configMap(name, value) };
}

export function workload(name: string, address: string): ApiObject {
  const input = {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: { name },
    spec: { addresses: [address] },
  };
  const parsed = parseObject(input, "write");
  if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
  return parsed.object;
}

export function names(store: Store): string[] {
  return store.list({ kind: "ConfigMap" }).items.map((item) => item.metadata.name);
}
