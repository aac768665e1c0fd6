/** A revision as it is written on the command line: 42 or r42. */
import { InvalidArgumentError } from "commander";

export function parseRevision(text: string): number {
  const digits = /^r?(\d{1,15})$/.exec(text)?.[1];
  if (digits === undefined)
    throw new InvalidArgumentError("write the number of a revision; weft history lists them");
  return Number(digits);
}
