/** Ends a run with the input that breaks a rule, in hexadecimal. */
export function mustHold(condition: boolean, what: string, input: Uint8Array): void {
  if (!condition) throw new Error(`${what}: ${Buffer.from(input).toString("hex")}`);
}
