/** Reading a request's body, JSON or YAML, within a bound. A key that stands there twice is refused: two readers could take different ones. */
import { lineOfInvalidUtf8, parseYamlDocuments } from "../api/index.ts";
import { errorLine, type Issue, issueLine, WeftError } from "../kernel/index.ts";

import { decodeKubeProtobuf, protobufType } from "./kube-protobuf/decode.ts";
import { duplicateKeys } from "./duplicate-keys.ts";

/** A transaction of 5,000 objects of ordinary size. */
const maxBodyBytes = 12 * 1024 * 1024;
/** Above `maxBodyBytes`, so that what is a little too large gets an answer that explains; beyond it Bun refuses by itself. */
export const hardBodyBytes = 4 * maxBodyBytes;

/** Texts in which bodies come. */
const jsonType = "application/json";
const yamlTypes: readonly string[] = [
  "application/yaml",
  "application/x-yaml",
  "application/apply-patch+yaml",
];

const mediaTypes = {
  json: ["application/json"],
  merge_patch: ["application/merge-patch+json", "application/json"],
} as const;

/** Throws `usage` for a wrong media type or broken JSON, `exhausted` for a body over the bound. */
export async function readJson(request: Request, form: keyof typeof mediaTypes): Promise<unknown> {
  const type = mediaTypeOf(request);
  if (type === protobufType) return decodeKubeProtobuf(await readBytes(request));
  const accepted: readonly string[] = mediaTypes[form];
  if (!accepted.includes(type)) {
    throw new WeftError("usage", `content type "${type}" is not accepted here`, {
      hint: `send ${accepted.join(" or ")}`,
    });
  }
  return parseJson(await readBytes(request));
}

/** JSON, or YAML where the media type says so. Throws as `readJson`, with lines for YAML. */
export async function readObject(request: Request): Promise<unknown> {
  if (!yamlTypes.includes(mediaTypeOf(request))) return readJson(request, "json");
  return parseYaml(await readBytes(request));
}

/** Whatever the media type, which the caller has looked at. */
export async function readPatch(request: Request): Promise<unknown> {
  const bytes = await readBytes(request);
  return yamlTypes.includes(mediaTypeOf(request)) ? parseYaml(bytes) : parseJson(bytes);
}

export function mediaTypeOf(request: Request): string {
  return (request.headers.get("content-type") ?? jsonType).split(";")[0]?.trim().toLowerCase() ?? "";
}

function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    // Invalid UTF-8 is refused, not replaced: what is stored must be what was sent.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const line = lineOfInvalidUtf8(bytes);
    throw new WeftError("usage", `the body is not valid UTF-8 (line ${line})`, { cause });
  }
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WeftError("usage", `the body is no valid JSON: ${errorLine(cause)}`, { cause });
  }
  const issues = duplicateKeys(text);
  if (issues.length > 0) throw unreadable(issues);
  return value;
}

/** One document. */
function parseYaml(bytes: Uint8Array): unknown {
  const { documents, issues } = parseYamlDocuments(bytes, "body");
  if (issues.length > 0) throw unreadable(issues);
  const [document, ...more] = documents;
  if (document === undefined || more.length > 0)
    throw new WeftError("usage", `the body must be one YAML document, not ${documents.length}`);
  return document.value;
}

function unreadable(issues: readonly Issue[]): WeftError {
  const [first] = issues;
  const detail = first === undefined ? "" : `: ${issueLine(first)}`;
  const placed = issues.map(({ line, message, path }) => ({
    path,
    message: line === undefined ? message : `${message} (line ${line})`,
  }));
  return new WeftError("usage", `the body cannot be read${detail}`, { issues: placed });
}

async function readBytes(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    // What is too much is read and thrown away: a client that is still writing would not see the answer.
    if (length <= maxBodyBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (length > maxBodyBytes) {
    throw new WeftError("exhausted", `the body is larger than ${maxBodyBytes} bytes`, {
      hint: "apply fewer objects at once",
      fields: { httpStatus: 413 },
    });
  }
  return Buffer.concat(chunks, length);
}
