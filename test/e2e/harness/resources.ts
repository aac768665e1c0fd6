/** The programs and resources of the tests, as text for files and for `weft apply`. Every JSON document is a YAML document. */
import { join } from "node:path";

export const httpPort = 9080;

/** A small program of `test/e2e/programs`, as a command line that needs nothing but the Bun that runs the tests. */
export function testProgram(name: string): readonly string[] {
  return [process.execPath, join(import.meta.dir, "..", "programs", `${name}.mjs`)];
}

export function yaml(...objects: readonly (object | readonly object[])[]): string {
  return objects
    .flat()
    .map((object) => JSON.stringify(object, undefined, 1))
    .join("\n---\n");
}

export interface ProgramSpec {
  readonly name: string;
  /** Absent: the program's name. */
  readonly service?: string;
  readonly command: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly port: number; readonly protocol: string }[];
  readonly upstreams?: readonly { readonly service: string; readonly port: number }[];
  readonly replicas?: number;
}

export function program({ name, labels, service, ...spec }: ProgramSpec): object {
  return {
    apiVersion: "local.weft.dev/v1alpha1",
    kind: "Program",
    metadata: { name, ...(labels === undefined ? {} : { labels }) },
    spec: { service: service ?? name, ...spec },
  };
}

/** A server that answers with its version; two of them make a service to move traffic in. */
export function webProgram(version: string, env: Readonly<Record<string, string>> = {}): object {
  return program({
    name: `web-${version}`,
    service: "web",
    labels: { version },
    command: testProgram("web"),
    env: { VERSION: version, ...env },
    ports: [{ port: httpPort, protocol: "http" }],
  });
}

/** The part of `service` that has this version, as a service of its own. */
export function versionService(service: string, version: string): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `${service}-${version}` },
    spec: {
      selector: { app: service, version },
      ports: [{ name: "http", port: httpPort, protocol: "TCP", appProtocol: "http" }],
    },
  };
}

/** What goes to `service`, by weight: `{ "web-v1": 90, "web-v2": 10 }`. */
export function splitRoute(service: string, weights: Readonly<Record<string, number>>): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: service },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name: service, port: httpPort }],
      rules: [
        { backendRefs: Object.entries(weights).map(([name, weight]) => ({ name, port: httpPort, weight })) },
      ],
    },
  };
}

/** The mesh's door, and behind it one service, or several by weight. Tests have it served on a port of their own. */
export function gatewayTo(weights: Readonly<Record<string, number>>, port = 8080): object[] {
  return [
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "door" },
      spec: { gatewayClassName: "weft", listeners: [{ name: "http", port, protocol: "HTTP" }] },
    },
    gatewayRoute(weights),
  ];
}

export function gatewayRoute(weights: Readonly<Record<string, number>>): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "door" },
    spec: {
      parentRefs: [{ name: "door" }],
      rules: [
        { backendRefs: Object.entries(weights).map(([name, weight]) => ({ name, port: httpPort, weight })) },
      ],
    },
  };
}

export function configMap(name: string, text = ""): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { text } };
}
