/** An output that keeps what is written, for tests. */
import { Output } from "../output.ts";

export function recordOutput(): { output: Output; out: () => string; err: () => string } {
  let out = "";
  let err = "";
  const output = new Output({
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { output, out: () => out, err: () => err };
}
