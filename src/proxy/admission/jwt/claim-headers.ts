/** Claims as the application gets them in fields. What cannot be written unambiguously is not written at all. */
import type { Claims } from "../../../decide/index.ts";
import { isFieldText } from "../../../http1/index.ts";
import type { JwtProvider } from "../../../model/index.ts";
import { claimAt } from "./decode-token.ts";

export interface ClaimField {
  readonly nameLower: string;
  readonly value: string;
}

/** Beside other fields it must fit a backend's limit on heads, which is often 8 KiB. */
const maxValueLength = 4_096;

type Wanted = Pick<JwtProvider, "claimHeaders" | "payloadHeader">;

/** All names that a provider may set. */
export function namesOf({ claimHeaders, payloadHeader }: Wanted): string[] {
  const names = claimHeaders.map(({ header }) => header);
  return payloadHeader === "" ? names : [...names, payloadHeader];
}

export function claimFields(wanted: Wanted, claims: Claims, payload: string): ClaimField[] {
  const fields: ClaimField[] = [];
  for (const { header, claim } of wanted.claimHeaders) {
    const value = fieldValue(claimAt(claims, claim));
    if (value !== undefined) fields.push({ nameLower: header, value });
  }
  if (wanted.payloadHeader !== "") fields.push({ nameLower: wanted.payloadHeader, value: payload });
  return fields;
}

/**
 * Text in UTF-8, numbers and booleans as JSON has them, lists of these with commas between, objects as JSON in base64url. Undefined:
 * null; control characters; spaces at an end, which readers take off; whole numbers beyond 2^53, which have lost digits; a comma
 * in an element; what is too long.
 */
export function fieldValue(claim: unknown): string | undefined {
  const value = Array.isArray(claim) ? listValue(claim) : scalarOrObject(claim);
  if (value === undefined || value.length > maxValueLength || value !== trimmed(value)) return undefined;
  return isFieldText(value) ? value : undefined;
}

function listValue(elements: readonly unknown[]): string | undefined {
  const values = elements.map(scalarValue);
  const isClear = values.every(
    (value) => value !== undefined && !value.includes(",") && value === trimmed(value),
  );
  return isClear ? values.join(",") : undefined;
}

function scalarOrObject(claim: unknown): string | undefined {
  if (typeof claim !== "object" || claim === null) return scalarValue(claim);
  return Buffer.from(JSON.stringify(claim)).toString("base64url");
}

function scalarValue(claim: unknown): string | undefined {
  switch (typeof claim) {
    case "string":
      // One character for each byte, as codecs write fields.
      return Buffer.from(claim, "utf8").toString("latin1");
    case "boolean":
      return String(claim);
    case "number":
      return Number.isInteger(claim) && !Number.isSafeInteger(claim) ? undefined : String(claim);
    default:
      return undefined;
  }
}

function trimmed(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, "");
}
