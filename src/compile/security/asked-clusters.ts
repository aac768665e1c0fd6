/** Whom an admission asks, as often as it does. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AdmissionSchema } from "../../model/index.ts";

export function clustersOfAdmission({
  authorization,
  rateLimits = [],
}: MessageInitShape<typeof AdmissionSchema> = {}): string[] {
  return [
    ...(authorization?.policies ?? []).map(({ external }) => external?.cluster),
    ...rateLimits.flatMap(({ store, service }) => [store?.cluster, service?.cluster]),
  ].flatMap((cluster) => (cluster === undefined || cluster === "" ? [] : [cluster]));
}
