/**
 * What a condition is of a request. "unknown": it cannot be told, as the path of a raw connection or what servers read
 * differently. "error": an expression asks for what is not there. What that means depends on what the answer would do.
 */
export type Truth = "yes" | "no" | "unknown" | "error";

/** "absent": there is nothing to compare, so no entry matches, and that none does proves nothing. */
export type Membership = Truth | "absent";

export type PolicyAction = "deny" | "custom" | "allow" | "audit";

/** What is not known lets nobody in, denies, asks and is audited. An error denies and does nothing else. */
export function isMatch(truth: Truth, action: PolicyAction): boolean {
  switch (truth) {
    case "yes":
      return true;
    case "no":
      return false;
    case "unknown":
      return action !== "allow";
    case "error":
      return action === "deny";
  }
}

export function negate(membership: Membership): Truth {
  switch (membership) {
    case "yes":
      return "no";
    case "no":
      return "yes";
    case "unknown":
    case "absent":
      return "unknown";
    case "error":
      return "error";
  }
}
