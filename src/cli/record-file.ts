/** A record of `weft tap --record`, opened before anything else is done for it. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { WeftError } from "../kernel/index.ts";
import { readTraffic } from "../simulate/index.ts";

/** Throws `bad_input` where there is no such file. */
export function openRecord(path: string): ReturnType<typeof readTraffic> {
  if (!existsSync(path)) throw new WeftError("bad_input", `${path} does not exist`);
  if (statSync(path).isDirectory()) {
    throw new WeftError("bad_input", `${path} is a folder`, {
      hint: "name the file that weft tap --record wrote",
    });
  }
  return readTraffic(createReadStream(path), path);
}
