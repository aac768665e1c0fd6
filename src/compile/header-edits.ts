/** A header modifier of a route in the form that proxies run. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HeaderEditsSchema } from "../model/index.ts";
import type { HeaderModifierInput } from "./route-input.ts";

type EditsContent = MessageInitShape<typeof HeaderEditsSchema>;

/** Fields that say where a message ends, who speaks next or whom it is for: an edit would break the connection, not the request. */
export const framingFields: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** RFC 9110 section 5.5. A line break in a value would begin a field of its own. */
// oxlint-disable-next-line no-control-regex
const fieldValue = /^[^\u0000-\u0020\u007f](?:[^\u0000-\u0008\u000a-\u001f\u007f]*[^\u0000-\u0020\u007f])?$/;

export function compileEdits(
  modifier: HeaderModifierInput | undefined,
  field: string,
  problems: { readonly unsupported: string[]; readonly invalid: string[] },
): EditsContent {
  const set = modifier?.set ?? [];
  const add = modifier?.add ?? [];
  const remove = modifier?.remove ?? [];
  for (const name of [...set, ...add].map((header) => header.name).concat(remove)) {
    if (!token.test(name)) problems.invalid.push(`${field}: ${JSON.stringify(name)} is no header name`);
    else if (framingFields.has(name.toLowerCase())) {
      problems.unsupported.push(`${field}: header ${name} is not to be edited, it frames the message`);
    }
  }
  for (const { name, value } of [...set, ...add]) {
    if (!fieldValue.test(value))
      problems.invalid.push(`${field}: the value of ${name} holds a control character`);
  }
  return {
    set: set.map(lowerName),
    add: add.map(lowerName),
    remove: remove.map((name) => name.toLowerCase()),
  };
}

function lowerName(header: { readonly name: string; readonly value: string }) {
  return { name: header.name.toLowerCase(), value: header.value };
}
