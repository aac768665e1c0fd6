/** A write between two entries of the audit log: what is to be done, and what came of it. */
import type { AuditFields } from "../../api/index.ts";
import type { AuditLog } from "./audit-log.ts";

/** Throws `io` where the first entry cannot be written: then nothing is done. */
export async function auditedWrite<T extends { readonly revision?: number }>(
  audit: AuditLog | undefined,
  fields: () => AuditFields,
  write: (anchor: string | undefined) => Promise<T>,
): Promise<T> {
  if (audit === undefined) return write(undefined);
  const intent = audit.begin(fields());
  try {
    const result = await write(intent.anchor);
    const { revision } = result;
    audit.finish(intent, { outcome: "ok", ...(revision === undefined ? {} : { revision }) });
    return result;
  } catch (error) {
    audit.finish(intent, {
      outcome: "failed",
      message: error instanceof Error ? error.message : String(error),
    });
    throw error;
  }
}
