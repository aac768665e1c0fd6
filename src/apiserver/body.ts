/** Reading a request's JSON body within a bound. */
import { errorLine, WeftError } from "../kernel/index.ts";

/** A transaction of 5,000 objects of ordinary size. */
const maxBodyBytes = 12 * 1024 * 1024;
/** Above `maxBodyBytes`, so that what is a little too large gets an answer that explains; beyond it Bun refuses by itself. */
export const hardBodyBytes = 4 * maxBodyBytes;

const mediaTypes = {
  json: ["application/json"],
  merge_patch: ["application/merge-patch+json", "application/json"],
} as const;

/** Throws `usage` for a wrong media type or broken JSON, `exhausted` for a body over the bound. */
export async function readJson(request: Request, form: keyof typeof mediaTypes): Promise<unknown> {
  const type =
    (request.headers.get("content-type") ?? "application/json").split(";")[0]?.trim().toLowerCase() ?? "";
  const accepted: readonly string[] = mediaTypes[form];
  if (!accepted.includes(type)) {
    throw new WeftError("usage", `content type "${type}" is not accepted here`, {
      hint: `send ${accepted.join(" or ")}`,
    });
  }
  const bytes = await readBytes(request);
  try {
    // Invalid UTF-8 is refused, not replaced: what is stored must be what was sent.
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new WeftError("usage", `the body is no valid JSON: ${errorLine(cause)}`, { cause });
  }
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
