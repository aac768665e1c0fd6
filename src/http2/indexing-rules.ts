/** What HPACK's encoder knows of names beforehand: their place in the static table, and whether they must never be indexed. */
import { staticNames, staticTableLength, staticValues } from "./static-table.ts";

/** A table that an attacker can fill and measure would give these away byte by byte (RFC 7541, section 7.1). */
const neverIndexed: readonly string[] = ["authorization", "proxy-authorization", "set-cookie"];

export interface NameRule {
  /** 0: not in the static table. */
  readonly staticIndex: number;
  /** Value to index in the static table. */
  readonly staticValues: ReadonlyMap<string, number>;
  /** Longer values are not looked for. */
  readonly longestStaticValue: number;
  readonly isSecret: boolean;
}

export const unknownName: NameRule = {
  staticIndex: 0,
  staticValues: new Map(),
  longestStaticValue: -1,
  isSecret: false,
};

export const nameRules: ReadonlyMap<string, NameRule> = buildRules();

function buildRules(): ReadonlyMap<string, NameRule> {
  const rules = new Map<string, NameRule>();
  for (const name of new Set([...staticNames.slice(1), ...neverIndexed])) {
    const values = new Map<string, number>();
    let longestStaticValue = -1;
    for (let index = 1; index <= staticTableLength; index++) {
      if (staticNames[index] !== name) continue;
      const value = staticValues[index] ?? "";
      values.set(value, index);
      longestStaticValue = Math.max(longestStaticValue, value.length);
    }
    rules.set(name, {
      staticIndex: Math.max(0, staticNames.indexOf(name)),
      staticValues: values,
      longestStaticValue,
      isSecret: neverIndexed.includes(name),
    });
  }
  return rules;
}
