/** Which resources of a response a proxy refused, as it says in the details of its error. */
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { RefusedResourcesSchema, type Status } from "../wire/index.ts";
import type { ResourceName } from "./resource-source.ts";

/** Of a reason, as much as is worth keeping and showing. */
const maxWhyLength = 300;

/** Each with why. Where the proxy does not say which, or names none of them, it may be any: all with the message. */
export function refusedNames(
  names: readonly ResourceName[],
  { details, message }: Status,
): Map<ResourceName, string> {
  const said = new Map<string, string>();
  for (const detail of details) {
    // Another version's details are no reason to end the stream.
    const refused = detail.typeUrl.endsWith(`/${RefusedResourcesSchema.typeName}`)
      ? unpacked(detail)
      : undefined;
    for (const { name, why } of refused?.resources ?? []) said.set(name, why);
  }
  const whole = message.slice(0, maxWhyLength);
  const exact = names.flatMap((name): [ResourceName, string][] => {
    const why = said.get(name.key);
    return why === undefined ? [] : [[name, why.slice(0, maxWhyLength)]];
  });
  return new Map(exact.length > 0 ? exact : names.map((name) => [name, whole]));
}

function unpacked(detail: Status["details"][number]) {
  try {
    return anyUnpack(detail, RefusedResourcesSchema);
  } catch {
    return undefined;
  }
}
