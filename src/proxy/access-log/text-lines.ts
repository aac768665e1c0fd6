/** Lines of text formats. A format is read once for its settings, into a list of writers; loaded with the first such policy. */
import { type LogSegment, parseLogFormat, type PreparedAccessLog } from "../../decide/telemetry/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";
import { escapeText } from "./escape-text.ts";
import type { LineFrame } from "./line-frame.ts";
import { maxTextLength } from "./quote.ts";
import { type Ended, readerOf, type TextReader } from "./text-operators.ts";

/** Text as it stands, or what is read of what ended. */
type Writer = string | { readonly read: TextReader; readonly maxLength: number };

export class TextLines {
  readonly #writers = new WeakMap<PreparedAccessLog, readonly Writer[]>();

  http(outcome: HttpOutcome, frame: LineFrame): string {
    return this.#line({ outcome, http: outcome, tcp: undefined, frame });
  }

  tcp(outcome: TcpOutcome, frame: LineFrame): string {
    return this.#line({ outcome, http: undefined, tcp: outcome, frame });
  }

  #line(ended: Ended): string {
    const { settings } = ended.frame;
    let line = "";
    for (const writer of settings === undefined ? [] : this.#writersOf(settings)) {
      line += typeof writer === "string" ? writer : write(writer.read(ended), writer.maxLength);
    }
    return `${line}\n`;
  }

  #writersOf(settings: PreparedAccessLog): readonly Writer[] {
    const known = this.#writers.get(settings);
    if (known !== undefined) return known;
    const writers = parseLogFormat(settings.textFormat ?? "").segments.map(writerOf);
    this.#writers.set(settings, writers);
    return writers;
  }
}

/** What the control plane let through is written as it is, but for what would break the line. */
function writerOf(segment: LogSegment): Writer {
  // oxlint-disable-next-line no-control-regex
  if (segment.kind === "text") return segment.text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, escapeText);
  return { read: readerOf(segment), maxLength: Math.min(segment.maxLength ?? maxTextLength, maxTextLength) };
}

function write(value: string | number | undefined, maxLength: number): string {
  if (value === undefined || value === "") return "-";
  if (typeof value === "number") return String(value);
  return escapeText(value.length > maxLength ? value.slice(0, maxLength) : value);
}
