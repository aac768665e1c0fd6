/** Of which objects a compiled resource is made, as it says itself, and whose policies say how it is used. */
import { fromBinary } from "@bufbuild/protobuf";
import { modelSchemas, type Source } from "../model/index.ts";
import type { Compiler } from "./compiler.ts";
import type { ResourceName } from "./resource.ts";

export type SourceName = Pick<Source, "kind" | "namespace" | "name">;

/** Each once, in no particular order; none where there is no such resource. */
export function sourcesOf(
  compiler: Pick<Compiler, "peek" | "peekSettingSources">,
  name: ResourceName,
): SourceName[] {
  const resource = compiler.peek(name);
  if (resource === undefined) return [];
  const found = new Map<string, SourceName>();
  const note = ({ kind, namespace, name: own }: SourceName): void =>
    void found.set(`${kind} ${namespace}/${own}`, { kind, namespace, name: own });
  const said: Source[] = [];
  collect(fromBinary(modelSchemas[name.kind], resource.bytes), said);
  for (const source of said) {
    note(source);
    const isRule = source.section !== "" && (source.kind === "HTTPRoute" || source.kind === "GRPCRoute");
    if (isRule) for (const each of compiler.peekSettingSources({ rule: source })) note(each);
  }
  if (name.kind === "Cluster")
    for (const each of compiler.peekSettingSources({ cluster: name.key })) note(each);
  return [...found.values()];
}

function collect(value: unknown, into: Source[]): void {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  if (isSource(value)) return void into.push(value);
  for (const each of Object.values(value)) collect(each, into);
}

function isSource(value: object): value is Source {
  return "$typeName" in value && value.$typeName === "weft.model.v1.Source";
}
