/** How many proxies a change may touch, as the command line takes it: `5` or `10%`. */
import { InvalidArgumentError } from "commander";
import type { BlastRadius } from "../api/index.ts";

export function parseBlastRadius(text: string): BlastRadius {
  const groups = /^(?<limit>\d{1,9})(?<percent>%)?$/.exec(text)?.groups;
  const limit = Number(groups?.["limit"]);
  const isPercent = groups?.["percent"] !== undefined;
  if (groups === undefined || (isPercent && limit > 100)) {
    throw new InvalidArgumentError("write a number of proxies, or of a hundred as in 10%");
  }
  return { limit, isPercent };
}
