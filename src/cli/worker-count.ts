/** How many processes share the work of one gateway or proxy. */

/** More would only wait for each other. */
export const maxWorkers = 64;

/** Undefined: not a count of workers. */
export function readWorkerCount(text: string): number | undefined {
  const count = /^[1-9]\d?$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= maxWorkers ? count : undefined;
}
