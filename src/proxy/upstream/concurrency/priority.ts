/** How important a request is to its caller, as a header of the operator's choice says. */

/** Shares of a limit up to which requests of a priority are let in: the least important are the first to be refused. */
const shares: Readonly<Record<string, number>> = { sheddable: 0.8, critical: 1.1 };
const defaultShare = 1;

/** What is no priority, or is not said, counts as "default". */
export function shareOf(priority: string | undefined): number {
  if (priority === undefined) return defaultShare;
  return Object.hasOwn(shares, priority) ? (shares[priority] ?? defaultShare) : defaultShare;
}
