/** From files to an agent, here or in another process. */
import type { KeySetChange } from "../compile/index.ts";
import type { SuppliedAgent } from "../proxy/index.ts";

export interface Pipeline {
  readonly agent: SuppliedAgent;
  readonly revision: number;
  /** While it holds, files are read and nothing is taken of them. */
  isFrozen: boolean;
  /** Keys of tokens' issuers as they are known, for the next compilation. */
  keySets: readonly KeySetChange[];
  /** Where the policies of the last compilation find keys. The same set as long as they are the same. */
  readonly wantedJwks: ReadonlySet<string>;
  /** For the start. Throws WeftError where the files cannot be used. Returns the state of the files that it is of. */
  load(): Promise<string>;
  /** The files have changed. Resolves when their change is live, or why it is not has been said. */
  reload(): Promise<void>;
  close(): void;
}
