/** A certificate's subject as values, not as a text that would have to be taken apart again. */
import { WeftError } from "../../kernel/index.ts";
import { constructedTag, decodeOid, DerReader, tags } from "./der.ts";
import { oids } from "./oids.ts";

export interface SubjectNames {
  readonly commonNames: readonly string[];
  readonly organizations: readonly string[];
}

/** Undefined where the bytes are no certificate, or a value is of a form that no text is made of. */
export function readSubjectNames(der: Uint8Array): SubjectNames | undefined {
  try {
    const fields = new DerReader(der).enter(tags.sequence).enter(tags.sequence);
    fields.optional(constructedTag(0));
    fields.next(tags.integer);
    // Signature, issuer, validity.
    for (let skipped = 0; skipped < 3; skipped++) fields.next(tags.sequence);
    const found: Record<string, string[]> = { [oids.commonName]: [], [oids.organization]: [] };
    const names = fields.enter(tags.sequence);
    while (!names.isAtEnd) {
      const set = names.enter(tags.set);
      while (!set.isAtEnd) {
        const attribute = set.enter(tags.sequence);
        const id = decodeOid(attribute.next(tags.oid).content);
        const { tag, content } = attribute.any();
        const values = found[id];
        if (values === undefined) continue;
        if (tag !== tags.utf8String && tag !== tags.printableString) return undefined;
        values.push(new TextDecoder("utf-8", { fatal: true }).decode(content));
      }
    }
    return { commonNames: found[oids.commonName] ?? [], organizations: found[oids.organization] ?? [] };
  } catch (error) {
    if (error instanceof WeftError || error instanceof TypeError) return undefined;
    throw error;
  }
}
