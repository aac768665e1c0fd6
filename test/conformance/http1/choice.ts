/**
 * Vectors where the RFC lets a recipient do otherwise than our table says, with the words that allow it. They are never
 * counted against a peer; where only repair is allowed, passing the message on as it came is.
 */

export interface Choice {
  /** `repair`: it may be passed on once it is well-formed. `anything`: it may also be refused or passed on as it is. */
  readonly allows: "repair" | "anything";
  readonly why: string;
}

export interface ChoiceGroup extends Choice {
  readonly titles: readonly string[];
}

export const prefixed = (prefix: string, ...names: string[]): string[] =>
  names.map((name) => `${prefix}: ${name}`);

export function byTitle(groups: readonly ChoiceGroup[]): ReadonlyMap<string, Choice> {
  return new Map(
    groups.flatMap(({ titles, allows, why }) => titles.map((title) => [title, { allows, why }] as const)),
  );
}
