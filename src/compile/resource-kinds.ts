/** How each kind of resource is computed: one line a kind. */
import type { ModelKind } from "../model/index.ts";
import { compileCertificate } from "./certificate.ts";
import { compileGateway } from "./gateway.ts";
import { compileInbound } from "./inbound.ts";
import type { InputReader } from "./inputs.ts";
import { compileMesh } from "./mesh.ts";
import { compileOutbound } from "./outbound.ts";
import type { CompiledResource, ResourceName } from "./resource.ts";
import { compileAddress, compileCluster, compileEndpoint, compileName } from "./service-resources.ts";

type Compile = (inputs: InputReader, key: string) => CompiledResource | undefined;

const compilers: Record<ModelKind, Compile> = {
  Mesh: compileMesh,
  Name: compileName,
  Address: compileAddress,
  Outbound: compileOutbound,
  Cluster: compileCluster,
  Endpoint: compileEndpoint,
  Inbound: compileInbound,
  Gateway: compileGateway,
  Certificate: compileCertificate,
  // Made by distribute/ for each change; nothing to compile.
  Commit: () => undefined,
};

export function compileResource(inputs: InputReader, name: ResourceName): CompiledResource | undefined {
  return compilers[name.kind](inputs, name.key);
}

/** Names of nodes in the dependency index. */
export function resourceNode(name: ResourceName): string {
  return `resource ${name.kind} ${name.key}`;
}

export function parseResourceNode(node: string): ResourceName | undefined {
  const groups = /^resource (?<kind>\w+) (?<key>.*)$/s.exec(node)?.groups;
  const kind = groups?.["kind"] ?? "";
  return isModelKind(kind) ? { kind, key: groups?.["key"] ?? "" } : undefined;
}

function isModelKind(text: string): text is ModelKind {
  return Object.hasOwn(compilers, text);
}
