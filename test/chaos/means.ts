/** What the machine offers that some faults need. */

/** What this machine has for it. */
export interface Means {
  readonly faketime: string | undefined;
  /** Why a small disk cannot be mounted; undefined: it can. */
  readonly smallDiskRefusal: string | undefined;
}
