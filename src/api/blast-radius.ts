/** A bound on how much of the mesh one change may touch, which whoever makes it gives. */
import { flag, integer, object, type ValueOf } from "./schema.ts";

const safe = Number.MAX_SAFE_INTEGER;

/** How many proxies a change may touch, at most. */
export const blastRadiusSchema = object(
  "How many proxies the change may touch; more, and nothing is written.",
  {
    limit: integer("So many.", 0, safe),
    isPercent: flag("Of a hundred proxies that there are.", { default: false }),
  },
);
export type BlastRadius = ValueOf<typeof blastRadiusSchema>;

/** By which a client tells this refusal from others of `conflict`. */
export const blastRadiusField = "maxBlastRadius";
