/** "weft-traffic" version 1, as `weft tap --record` writes it, read as a stream: a line at a time, and never the whole. */
import { decodeMessage, tapEventSchema, type TapRecordView } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";

export type TrafficLine =
  | { readonly type: "record"; readonly record: TapRecordView; readonly line: number }
  /** So many passed the tap and were not told. */
  | { readonly type: "loss"; readonly count: number; readonly line: number };

/** A record with the longest bodies that a tap tells is a quarter of it. */
const maxLineBytes = 1_048_576;
const knownVersion = 1;

/**
 * Lines of other shapes are left out, as the format says. Throws `bad_input` with file and line for what is no such record,
 * is of a newer version, or has a line that is no JSON; a last line that was cut off in writing is left out.
 */
export async function* readTraffic(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  file: string,
): AsyncGenerator<TrafficLine> {
  let line = 0;
  for await (const { text, isWhole } of linesOf(chunks, file)) {
    line++;
    if (text.trim() === "") continue;
    const value = parse(text, isWhole, file, line);
    if (value === undefined) return;
    if (line === 1) {
      checkHead(value, file);
      continue;
    }
    const { record, loss } = fieldsOf(value);
    if (record !== undefined) {
      const decoded = decodeMessage(tapEventSchema, { type: "record", record }, "response");
      if ("issues" in decoded) {
        throw problem(file, line, decoded.issues[0]?.message ?? "is no record", decoded.issues[0]?.path);
      }
      if (decoded.object.record !== undefined) yield { type: "record", record: decoded.object.record, line };
    } else if (loss !== undefined) {
      const { count } = fieldsOf(loss);
      if (typeof count === "number" && Number.isSafeInteger(count)) yield { type: "loss", count, line };
    }
  }
  if (line === 0) throw problem(file, 1, "is empty");
}

function checkHead(value: unknown, file: string): void {
  const { format, version } = fieldsOf(value);
  if (format !== "weft-traffic") throw problem(file, 1, 'does not begin with {"format":"weft-traffic",…}');
  if (typeof version !== "number" || version > knownVersion) {
    throw problem(
      file,
      1,
      `is of version ${JSON.stringify(version)}; this weft reads version ${knownVersion}`,
    );
  }
}

function parse(text: string, isWhole: boolean, file: string, line: number): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value ?? null;
  } catch {
    if (!isWhole && line > 1) return undefined;
    throw problem(file, line, "is no JSON");
  }
}

async function* linesOf(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  file: string,
): AsyncGenerator<{ readonly text: string; readonly isWhole: boolean }> {
  const decoder = new TextDecoder("utf-8");
  let rest = "";
  let line = 0;
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      line++;
      yield { text: rest.slice(start, end), isWhole: true };
      start = end + 1;
    }
    rest = rest.slice(start);
    if (rest.length > maxLineBytes) throw problem(file, line + 1, `is longer than ${maxLineBytes} bytes`);
  }
  rest += decoder.decode();
  if (rest !== "") yield { text: rest, isWhole: false };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function problem(file: string, line: number, message: string, path = ""): WeftError {
  return new WeftError("bad_input", `${file} cannot be read as recorded traffic`, {
    issues: [{ path, message, file, line }],
    hint: "weft tap --record FILE writes it",
  });
}
