/**
 * What objects must be besides valid, all of the files together, to be served by one process without a mesh: nothing may be
 * accepted and then not done.
 */
import {
  type ApiObject,
  type EndpointSlice,
  impliedObjects,
  keyOf,
  keyText,
  type MeshWorkload,
  serviceNameLabel,
} from "../api/index.ts";
import { type Issue, WeftError } from "../kernel/index.ts";
import type { SourceObject } from "./source-object.ts";

const gatewayExample =
  "{ apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: { name: door }, " +
  "spec: { gatewayClassName: weft, listeners: [{ name: http, port: 8080, protocol: HTTP }] } }";

/** The objects with what files may leave out, or every reason why they cannot be served. */
export function admitObjects(sources: readonly SourceObject[]): ApiObject[] {
  const issues = [
    ...repetitions(sources),
    ...sources.flatMap(({ object, source }) =>
      refusals(object).map(({ path, message }) => ({
        path,
        message,
        file: source.file,
        line: source.lineOf(path),
      })),
    ),
  ];
  if (issues.length > 0)
    throw new WeftError("bad_input", `${issues.length} problems in the files`, { issues });
  if (!sources.some(({ object }) => object.kind === "Gateway")) {
    throw new WeftError("bad_input", "no Gateway in the files, so there is nothing to listen on", {
      hint: `write one, such as ${gatewayExample}`,
    });
  }
  const objects = sources.map(({ object }) => object);
  return [...impliedObjects(objects), ...objects.map((object) => withoutIdleSelector(object, objects))];
}

function repetitions(sources: readonly SourceObject[]): Issue[] {
  const first = new Map<string, SourceObject>();
  return sources.flatMap((each) => {
    const key = keyText(keyOf(each.object));
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, each);
      return [];
    }
    const { file, line } = each.source;
    const message = `${key} is already in ${before.source.file}:${before.source.line}`;
    return [{ path: "metadata.name", message, file, line }];
  });
}

function refusals(object: ApiObject): readonly Issue[] {
  switch (object.kind) {
    case "Service":
      return object.spec.type === "ExternalName"
        ? [{ path: "spec.type", message: "ExternalName is not served; list addresses in an EndpointSlice" }]
        : [];
    case "EndpointSlice":
      return sliceRefusals(object);
    case "MeshWorkload":
      return workloadRefusals(object);
    default:
      return [];
  }
}

function sliceRefusals({ addressType, metadata }: EndpointSlice): Issue[] {
  const issues: Issue[] = [];
  if (addressType === "FQDN") {
    issues.push({ path: "addressType", message: "FQDN is not served; list addresses" });
  }
  if (metadata.labels?.[serviceNameLabel] === undefined) {
    const message = `needs ${serviceNameLabel}, the name of the Service that the endpoints are of`;
    issues.push({ path: "metadata.labels", message });
  }
  return issues;
}

function workloadRefusals({ spec }: MeshWorkload): Issue[] {
  if (spec.tunnel.type === "none") return [];
  const message = "must be none: this gateway has no identity in a mesh, so it dials applications directly";
  return [{ path: "spec.tunnel.type", message }];
}

/** In a dump of a cluster the slices of a Service with a selector stand beside it: here they are all there is. */
function withoutIdleSelector(object: ApiObject, all: readonly ApiObject[]): ApiObject {
  if (object.kind !== "Service" || object.spec.selector === undefined) return object;
  const { namespace, name } = object.metadata;
  const hasSlices = all.some(
    (other) =>
      other.kind === "EndpointSlice" &&
      other.metadata.namespace === namespace &&
      other.metadata.labels?.[serviceNameLabel] === name,
  );
  if (!hasSlices) return object;
  const { selector: _, ...spec } = object.spec;
  return { ...object, spec };
}
