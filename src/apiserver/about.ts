/** Says of a refusal which object it is about: kubectl decides and speaks by that. */
import { type KindName, kinds } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";

/** What the error says already stays. */
export async function about<T>(
  target: { readonly kind: KindName; readonly name?: string | undefined },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    const { plural, group, kind } = kinds[target.kind];
    // As Kubernetes: an invalid object is named by its kind, all else by the resource.
    const what = error.code === "bad_input" ? kind : plural;
    throw new WeftError(error.code, error.message, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      issues: error.issues,
      fields: {
        kind: what,
        group,
        ...(target.name === undefined ? {} : { name: target.name }),
        ...error.fields,
      },
    });
  }
}
