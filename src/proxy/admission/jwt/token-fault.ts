/** What is wrong with a token: a closed set for the metric, and a text for the operator that holds nothing secret. */

type TokenOutcome =
  | "valid"
  | "missing"
  | "malformed"
  | "too_long"
  | "ambiguous"
  | "misplaced"
  | "unknown_issuer"
  | "wrong_audience"
  | "expired"
  | "not_yet_valid"
  | "too_long_lived"
  | "wrong_algorithm"
  | "unknown_key"
  | "no_keys"
  | "bad_signature"
  | "overloaded"
  | "failed";

export interface TokenFault {
  readonly outcome: Exclude<TokenOutcome, "valid" | "missing">;
  /** Goes behind "the token is not valid: ". */
  readonly detail: string;
}

export function fault(outcome: TokenFault["outcome"], detail: string): TokenFault {
  return { outcome, detail };
}

const maxQuotedLength = 80;

/** A stranger's text for the log: short, and nothing in it ends its quotes. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > maxQuotedLength ? `${text.slice(0, maxQuotedLength)}…` : text);
}
