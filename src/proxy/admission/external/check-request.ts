/** A request as envoy.service.auth.v3 asks about it. */
import { isUtf8 } from "node:buffer";
import { create, type JsonObject, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { readPath } from "../../../decide/admission/index.ts";
import type { AdmissionRequest } from "../../../decide/index.ts";
import { CheckRequestSchema } from "../../../wire/external-authorization/index.ts";
import type { BodyStart } from "../filter.ts";
import type { HttpRequest } from "../../http/index.ts";
import { textOfField } from "./answer-fields.ts";
import { partialBodyField } from "./partial-body.ts";
import { announcedSize, pathAndQuery, requestFields } from "./request-fields.ts";

export interface CheckQuestion {
  readonly head: HttpRequest;
  readonly request: AdmissionRequest;
  /** Undefined: bodies are not sent. */
  readonly body: BodyStart | undefined;
  /** Of the policy; undefined: every field is sent. */
  readonly askedFields: ReadonlySet<string> | undefined;
  readonly context: Readonly<Record<string, string>>;
}

/** Where Envoy's JWT filter and weft keep what they know of a request. */
const jwtNamespace = "envoy.filters.http.jwt_authn";
const ownNamespace = "weft.dev";

type CheckRequestInit = MessageInitShape<typeof CheckRequestSchema>;
type AttributesInit = NonNullable<CheckRequestInit["attributes"]>;

export function encodeCheckRequest(question: CheckQuestion): Uint8Array {
  const { request, context } = question;
  const { caller } = request;
  const attributes: AttributesInit = {
    source: {
      address: addressOf(caller.address, caller.addressPort),
      principal: caller.identity,
    },
    destination: { address: addressOf("", caller.port), service: caller.service },
    request: { time: timeOf(request.nowMs), http: httpOf(question) },
    contextExtensions: { ...context },
    metadataContext: { filterMetadata: metadataOf(request) },
  };
  if (caller.serverName !== "") attributes.tlsSession = { sni: caller.serverName };
  return toBinary(CheckRequestSchema, create(CheckRequestSchema, { attributes }));
}

function httpOf(question: CheckQuestion): NonNullable<AttributesInit["request"]>["http"] {
  const { head, request, body } = question;
  const { http } = request;
  return {
    id: http?.requestId ?? "",
    method: head.method,
    headers: headersOf(question),
    path: textOfField(pathAndQuery(head, request)),
    host: textOfField(head.authority),
    scheme: http?.scheme ?? "",
    size: BigInt(announcedSize(head)),
    protocol: http?.version ?? "",
    ...bodyOf(body),
  };
}

/** Pseudo-header fields stand among them as they do in Envoy, where no list says which are sent. */
function headersOf({ head, request, body, askedFields }: CheckQuestion): Record<string, string> {
  const headers: Record<string, string> = {};
  if (askedFields === undefined) {
    headers[":method"] = head.method;
    headers[":path"] = textOfField(pathAndQuery(head, request));
    headers[":authority"] = textOfField(head.authority);
    headers[":scheme"] = request.http?.scheme ?? "";
  }
  for (const [name, value] of requestFields(head, request, askedFields)) headers[name] = textOfField(value);
  if (body !== undefined) headers[partialBodyField] = String(!body.isWhole);
  return headers;
}

function bodyOf(body: BodyStart | undefined): { body?: string; rawBody?: Uint8Array } {
  if (body === undefined) return {};
  const { bytes } = body;
  return isUtf8(bytes) ? { body: new TextDecoder().decode(bytes) } : { rawBody: bytes };
}

function addressOf(address: string, port: number): NonNullable<AttributesInit["source"]>["address"] {
  const portSpecifier = { case: "portValue", value: port } as const;
  return { address: { case: "socketAddress", value: { address, portSpecifier } } };
}

function timeOf(nowMs: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(nowMs / 1_000);
  return { seconds: BigInt(seconds), nanos: Math.floor((nowMs - seconds * 1_000) * 1_000_000) };
}

function metadataOf(request: AdmissionRequest): Record<string, JsonObject> {
  const { http, caller, remoteAddress } = request;
  const own: JsonObject = { remote_address: remoteAddress, destination: caller.destination };
  const readings = http && readPath(http.path);
  if (readings !== undefined) own["path_readings"] = [readings.normal, ...readings.others];
  if (request.claims === undefined) return { [ownNamespace]: own };
  // A payload is what JSON said, which is what a Struct holds.
  const payload: JsonObject = JSON.parse(JSON.stringify(request.claims));
  return { [ownNamespace]: own, [jwtNamespace]: { jwt_payload: payload } };
}
