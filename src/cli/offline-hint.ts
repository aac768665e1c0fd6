/** Where no server answers, a verb that also asks files says so. */
import { WeftError } from "../kernel/index.ts";

/** `hint`: how to ask without a server, in one clause. */
export async function orOffline<T>(work: () => Promise<T>, hint: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof WeftError) || error.code !== "unreachable") throw error;
    const { hint: known, fields } = error;
    const both = known === undefined ? hint : `${known}; ${hint}`;
    throw new WeftError(error.code, error.message, { hint: both, fields, cause: error });
  }
}
