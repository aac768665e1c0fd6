/** Fields that filters may set for the application. What cannot be said takes the client's word with it all the same. */
import { framingNames, type HeaderLine, isFieldText } from "../../http1/index.ts";

/** What only the mesh itself says, whatever a filter's service answers. */
const reserved = /^(?:weft-|x-forwarded-client-cert$|x-request-id$|host$|:)/;
const noBytes = new Uint8Array(0);

/** Of a name in lower case that neither frames the message nor is the mesh's own. Undefined: it is nobody's to set. */
export function settableLine(nameLower: string, value: string): HeaderLine | undefined {
  if (!isSettable(nameLower)) return undefined;
  return isValue(value) ? encoded(nameLower, value) : removed(nameLower);
}

/** Takes the fields of the name away. */
export function removableLine(nameLower: string): HeaderLine | undefined {
  return isSettable(nameLower) ? removed(nameLower) : undefined;
}

/** Undefined also where the value cannot be said. */
export function addableLine(nameLower: string, value: string): HeaderLine | undefined {
  return isSettable(nameLower) && isValue(value) ? encoded(nameLower, value) : undefined;
}

function isSettable(nameLower: string): boolean {
  return (
    /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(nameLower) && !framingNames.has(nameLower) && !reserved.test(nameLower)
  );
}

/** What is no value of a field is not said at all: a field that is missing fails closed. */
function isValue(value: string): boolean {
  // Space and tab alone: text in UTF-8 may end in a byte that is a space to JavaScript.
  return isFieldText(value) && !/^[ \t]|[ \t]$/.test(value);
}

function encoded(nameLower: string, value: string): HeaderLine {
  return { nameLower, value, bytes: Buffer.from(`${nameLower}: ${value}\r\n`, "latin1") };
}

function removed(nameLower: string): HeaderLine {
  return { nameLower, value: "", bytes: noBytes };
}
