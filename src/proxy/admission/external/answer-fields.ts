/** Which fields a service may put into a request or an answer, and with which bytes. What frames messages and what the mesh says of itself are not among them. */
import { framingNames, type HeaderLine, isFieldText } from "../../../http1/index.ts";

/** Pseudo-header fields and framing aside: names that only the mesh speaks under, and the one that only a client does. */
const meshNames: ReadonlySet<string> = new Set(["expect", "host", "x-forwarded-client-cert", "x-request-id"]);
const tokenLower = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const notAscii = /[^\0-\x7f]/;

/** What a service says under such a name is passed over. */
export function isReservedField(nameLower: string): boolean {
  return (
    nameLower.startsWith(":") ||
    nameLower.startsWith("weft-") ||
    meshNames.has(nameLower) ||
    framingNames.has(nameLower)
  );
}

/** Both could stand in a message: a token, and one character for each byte, none of which ends a line. */
export function isField(nameLower: string, value: string): boolean {
  return tokenLower.test(nameLower) && isFieldText(value);
}

export function isFieldName(nameLower: string): boolean {
  return tokenLower.test(nameLower);
}

/** Fields hold one character for each byte, messages of protobuf hold text. */
export function fieldTextOf(text: string): string {
  return notAscii.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}

/** Bytes that are no UTF-8 become U+FFFD: a string of protobuf can hold nothing else. */
export function textOfField(value: string): string {
  return notAscii.test(value) ? Buffer.from(value, "latin1").toString("utf8") : value;
}

/** Of what `isField` has passed. */
export function lineOf(nameLower: string, value: string): HeaderLine {
  return { nameLower, value, bytes: Buffer.from(`${nameLower}: ${value}\r\n`, "latin1") };
}
