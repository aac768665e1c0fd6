/** Statuses and resources of Gateways for tests: objects in, what is said of one of them out. */
import { fromBinary } from "@bufbuild/protobuf";
import type { Stored } from "../../api/index.ts";
import { type Gateway, GatewaySchema } from "../../model/index.ts";
import { Compiler } from "../compiler.ts";
import type { GatewayHost } from "../gateway-input.ts";
import type { StatusUpdate } from "../status.ts";
import { stored, trust } from "./objects.ts";
import { TestRegistry } from "./test-registry.ts";

export const gatewayClass = stored({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "GatewayClass",
  metadata: { name: "weft" },
  spec: { controllerName: "weft.dev/gateway-controller" },
});

interface Named {
  readonly name: string;
  readonly namespace?: string;
  readonly creationTimestamp?: string;
}

export function gateway(metadata: Named, spec: object, generation = 1): Stored {
  const listeners = [{ name: "http", port: 80, protocol: "HTTP" }];
  return object("Gateway", metadata, { gatewayClassName: "weft", listeners, ...spec }, generation);
}

export function listenerSet(metadata: Named, listeners: readonly object[], parentRef: object = {}): Stored {
  return object("ListenerSet", metadata, { parentRef: { name: "edge", ...parentRef }, listeners });
}

export function object(kind: string, metadata: Named, spec: object, generation = 1): Stored {
  return stored({ apiVersion: "gateway.networking.k8s.io/v1", kind, metadata, spec }, generation);
}

export function configMap(metadata: Named, data: Readonly<Record<string, string>>): Stored {
  return stored({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
}

export function secret(
  metadata: Named,
  pair: { readonly certificate: string; readonly key: string },
): Stored {
  return stored({
    apiVersion: "v1",
    kind: "Secret",
    metadata,
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": pair.certificate, "tls.key": pair.key },
  });
}

export function grant(namespace: string, from: object, to: object): Stored {
  const group = "gateway.networking.k8s.io";
  return object(
    "ReferenceGrant",
    { name: "grant", namespace },
    { from: [{ group, namespace: "default", ...from }], to: [{ group: "", ...to }] },
  );
}

export class CompiledGateways {
  readonly compiler: Compiler;

  constructor(objects: readonly Stored[], host?: GatewayHost) {
    const registry = new TestRegistry();
    this.compiler = new Compiler({ ...trust, registry });
    this.compiler.apply({
      upserted: [gatewayClass, ...objects],
      registry: registry.replace(objects),
      ...(host === undefined ? {} : { gatewayHost: host }),
    });
  }

  /** "True Accepted" by type of condition, of the object, or of one of its listeners. */
  conditions(kind: string, path: string, listener?: string): Record<string, string> {
    const { status } = this.status(kind, path);
    if (listener === undefined) {
      if ("conditions" in status) return summary(status.conditions);
      return summary(status.kind === "route" ? (status.parents[0]?.conditions ?? []) : []);
    }
    const found =
      status.kind === "gateway" ? status.listeners.find(({ name }) => name === listener) : undefined;
    return summary(found?.conditions ?? []);
  }

  status(kind: string, path: string): StatusUpdate {
    const found = this.compiler
      .statuses()
      .find(
        (each) =>
          each.kind === kind &&
          path === (each.namespace === "" ? each.name : `${each.namespace}/${each.name}`),
      );
    if (found === undefined) throw new Error(`${kind} ${path} has no status`);
    return found;
  }

  gatewayStatus(path: string): Extract<StatusUpdate["status"], { kind: "gateway" }> {
    const { status } = this.status("Gateway", path);
    if (status.kind !== "gateway") throw new Error("not the status of a Gateway");
    return status;
  }

  gateway(key: string): Gateway {
    const resource = this.compiler.get({ kind: "Gateway", key });
    if (resource === undefined) throw new Error(`Gateway ${key} is not compiled`);
    return fromBinary(GatewaySchema, resource.bytes);
  }
}

function summary(
  conditions: readonly { type: string; status: string; reason: string }[],
): Record<string, string> {
  return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
}
