/** Lines in JSON as text. */
import type { HttpOutcome, TcpOutcome } from "../../observation/index.ts";
import { writeHttpLine, writeTcpLine } from "../json-line.ts";
import { LineBuffer } from "../line-buffer.ts";
import type { LineFrame } from "../line-frame.ts";

export function encodeHttpLine(outcome: HttpOutcome, frame: LineFrame, added: string): string {
  return encoded((line) => writeHttpLine(line, outcome, frame, added));
}

export function encodeTcpLine(outcome: TcpOutcome, frame: LineFrame, added: string): string {
  return encoded((line) => writeTcpLine(line, outcome, frame, added));
}

function encoded(write: (line: LineBuffer) => void): string {
  const line = new LineBuffer().begin();
  write(line);
  line.commit();
  return new TextDecoder().decode(line.view());
}
