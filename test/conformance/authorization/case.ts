/** What the text is read for: a request in one reading of its path, within a mesh. */
import type { AdmissionRequest } from "../../../src/decide/index.ts";

export interface MeshNames {
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
}

/** One request in one reading of its path. */
export interface Case {
  readonly request: AdmissionRequest;
  readonly mesh: MeshNames;
  /** Undefined: it cannot be read. */
  readonly path: string | undefined;
}
