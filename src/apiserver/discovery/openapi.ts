/**
 * OpenAPI v3 documents, one for each group and version, made from the kinds' own schemas: `kubectl explain`, the merge keys of
 * `kubectl apply`, and which parameters a write takes. They never change while the process runs, and are made on first use.
 */
import { createHash } from "node:crypto";
import { kinds, openApiSchema } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import {
  groupVersionText,
  resourcesOf,
  servedGroups,
  type ServedResource,
  versionsOf,
} from "./served-resources.ts";

const root = "/openapi/v3";

export class OpenApi {
  readonly #version: string;
  readonly #documents = new Map<string, string>();
  #index: string | undefined;

  constructor(version: string) {
    this.#version = version;
  }

  /** Throws `not_found`. */
  response(path: string): Response {
    if (path === "/openapi/v2") return versionTwo();
    const text = path === root ? this.#indexText() : this.#document(path.slice(root.length + 1));
    if (text === undefined) throw new WeftError("not_found", `there is nothing at ${path}`);
    return new Response(text, { headers: { "content-type": "application/json" } });
  }

  #indexText(): string {
    if (this.#index !== undefined) return this.#index;
    const places = servedGroups.flatMap((group) =>
      versionsOf(group).map((version) => [placeOf(group, version), group, version] as const),
    );
    const paths = places.map(([place, group, version]) => {
      const text = this.#document(place) ?? documentText(group, version, this.#version);
      const hash = createHash("sha256").update(text).digest("hex").toUpperCase();
      return [place, { serverRelativeURL: `${root}/${place}?hash=${hash}` }] as const;
    });
    this.#index = JSON.stringify({ paths: Object.fromEntries(paths) });
    return this.#index;
  }

  #document(place: string): string | undefined {
    const known = this.#documents.get(place);
    if (known !== undefined) return known;
    const [group = "", version = ""] =
      place === "api/v1" ? ["", "v1"] : place.slice("apis/".length).split("/");
    if (resourcesOf(group, version).length === 0) return undefined;
    const text = documentText(group, version, this.#version);
    this.#documents.set(place, text);
    return text;
  }
}

/**
 * A document without definitions, in protobuf: kubectl asks for version 2 where version 3 does not know a kind, and then says which
 * kind there is not.
 */
function versionTwo(): Response {
  const text = (field: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([(field << 3) | 2, bytes.length]), bytes]);
  const info = Buffer.concat([text(1, Buffer.from("weft")), text(2, Buffer.from("v1"))]);
  const document = Buffer.concat([text(1, Buffer.from("2.0")), text(2, info)]);
  const type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
  return new Response(document, { headers: { "content-type": type } });
}

function placeOf(group: string, version: string): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

function documentText(group: string, version: string, weftVersion: string): string {
  const resources = resourcesOf(group, version).filter(({ name }) => name !== undefined);
  return JSON.stringify({
    openapi: "3.0.0",
    info: { title: "weft", version: weftVersion },
    paths: Object.fromEntries(resources.flatMap(pathItems)),
    components: { schemas: Object.fromEntries(resources.flatMap(schemas)) },
  });
}

/** As Kubernetes names them: the group's parts reversed, the version, the kind. */
function schemaName({ group, version, kind }: ServedResource): string {
  return [...(group === "" ? ["core"] : group.split(".").toReversed()), version, kind].join(".");
}

function schemas(resource: ServedResource): [string, object][] {
  const { name, group, version, kind } = resource;
  if (name === undefined) return [];
  const own = schemaName(resource);
  const list = {
    type: "object",
    description: `A list of ${kind}.`,
    required: ["items"],
    properties: {
      apiVersion: { type: "string", description: "Version of the list." },
      kind: { type: "string", description: `${kind}List.` },
      metadata: { type: "object", description: "Version of the list, and how it goes on." },
      items: { type: "array", description: "The objects.", items: { $ref: `#/components/schemas/${own}` } },
    },
    "x-kubernetes-group-version-kind": [{ group, version, kind: `${kind}List` }],
  };
  return [
    [own, { ...schemaOf(resource), "x-kubernetes-group-version-kind": [{ group, version, kind }] }],
    [`${own}List`, list],
  ];
}

/** What a kind means is said once, by the kind; an older version names itself. */
function schemaOf({ name, group, version }: ServedResource): object {
  if (name === undefined) return {};
  const schema = openApiSchema(kinds[name].schema);
  const apiVersion = {
    type: "string",
    description: "Group and version.",
    enum: [groupVersionText(group, version)],
  };
  const properties = { ...(isObject(schema["properties"]) ? schema["properties"] : {}), apiVersion };
  return { ...schema, description: kinds[name].description, properties };
}

function pathItems(resource: ServedResource): [string, object][] {
  const { group, version, plural, namespaced, subresources } = resource;
  const prefix = `/${placeOf(group, version)}`;
  const inNamespace = namespaced ? `${prefix}/namespaces/{namespace}/${plural}` : `${prefix}/${plural}`;
  const place = namespaced ? [pathParameter("namespace")] : [];
  const named = [pathParameter("name"), ...place];
  const collection = {
    parameters: place,
    get: operation(resource, "list", listParameters),
    post: operation(resource, "post", writeParameters),
    delete: operation(resource, "deletecollection", [...listParameters, dryRun]),
  };
  const object = {
    parameters: named,
    get: operation(resource, "get", []),
    put: operation(resource, "put", writeParameters),
    patch: operation(resource, "patch", [...writeParameters, force]),
    delete: operation(resource, "delete", [dryRun]),
  };
  const status = {
    parameters: named,
    get: operation(resource, "get", []),
    put: operation(resource, "put", writeParameters),
    patch: operation(resource, "patch", [...writeParameters, force]),
  };
  return [
    ...(namespaced
      ? [[`${prefix}/${plural}`, { get: operation(resource, "list", listParameters) }] as [string, object]]
      : []),
    [inNamespace, collection],
    [`${inNamespace}/{name}`, object],
    ...(subresources.some(({ name }) => name === "status")
      ? [[`${inNamespace}/{name}/status`, status] as [string, object]]
      : []),
  ];
}

const writeBodies: Readonly<Record<string, readonly string[]>> = {
  post: ["application/json", "application/yaml"],
  put: ["application/json", "application/yaml"],
  patch: [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
  ],
};

function operation(resource: ServedResource, action: string, parameters: readonly object[]): object {
  const { group, version, kind } = resource;
  const own = { $ref: `#/components/schemas/${schemaName(resource)}` };
  const isList = action === "list" || action === "deletecollection";
  const answer = isList ? { $ref: `${own.$ref}List` } : own;
  const bodies = writeBodies[action];
  return {
    operationId: `${action}${kind}`,
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": { group, version, kind },
    parameters,
    ...(bodies === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: Object.fromEntries(
              bodies.map((type) => [type, { schema: action === "patch" ? {} : own }]),
            ),
          },
        }),
    responses: { "200": { description: "OK", content: { "application/json": { schema: answer } } } },
  };
}

function parameter(name: string, description: string, type = "string"): object {
  return { name, in: "query", description, schema: { type, uniqueItems: true } };
}

function pathParameter(name: string): object {
  return { name, in: "path", required: true, schema: { type: "string" } };
}

const dryRun = parameter("dryRun", "All: everything is checked and nothing is written.");
const force = parameter("force", "In an apply: take fields that others own.", "boolean");
const writeParameters = [
  dryRun,
  parameter("fieldManager", "Whose fields they are."),
  parameter("fieldValidation", "What becomes of unknown fields: Strict (the default), Warn or Ignore."),
];
const listParameters = [
  parameter("limit", "Objects of one page.", "integer"),
  parameter("continue", "Where the page before ended."),
  parameter("labelSelector", "Only objects with these labels."),
  parameter("fieldSelector", "Only objects with these values."),
  parameter("resourceVersion", "Not older than this, or exactly this one."),
  parameter("resourceVersionMatch", "NotOlderThan or Exact."),
  parameter("watch", "Tell of changes.", "boolean"),
  parameter("allowWatchBookmarks", "Tell now and then how far a watch reaches.", "boolean"),
  parameter("sendInitialEvents", "Begin a watch with what is there.", "boolean"),
  parameter("timeoutSeconds", "When a watch ends.", "integer"),
];

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
