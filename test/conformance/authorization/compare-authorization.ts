/** Random policies and requests: the verdict of the product, its rule and its notes against those of the text. */
import { toJson } from "@bufbuild/protobuf";
import { AuthorizationTable, type DecidedBy } from "../../../src/decide/admission/index.ts";
import { type AdmissionRequest } from "../../../src/decide/index.ts";
import { seededRandom } from "../../../src/decide/test/random-routing.ts";
import { type Authorization, AuthorizationSchema } from "../../../src/model/index.ts";
import { decideByTheText, type Outcome } from "./by-the-text.ts";
import type { MeshNames } from "./case.ts";
import { randomAuthorization } from "./random-policies.ts";
import { randomAdmission } from "./random-requests.ts";

export interface Comparison {
  readonly cases: number;
  /** "allow", "allow by a rule", "deny by a rule", … */
  readonly kinds: ReadonlyMap<string, number>;
  /** The first case on which the two do not agree. */
  readonly difference: string | undefined;
}

export const mesh: MeshNames = { trustDomain: "mesh", trustDomainAliases: ["old", "older"] };

/** Of so many requests each set of policies is asked. */
const requestsOfPolicies = 100;

export function compareAuthorization(cases: number, seed: number): Comparison {
  const random = seededRandom(seed);
  const kinds = new Map<string, number>();
  let done = 0;
  while (done < cases) {
    const authorization = randomAuthorization(random);
    const table = AuthorizationTable.prepare(authorization, mesh);
    for (let i = 0; i < requestsOfPolicies && done < cases; i++, done++) {
      const request = randomAdmission(random);
      const found = decide(table, request);
      const expected = decideByTheText(authorization, request, mesh);
      if (!Bun.deepEquals(found, expected))
        return { cases: done, kinds, difference: describe(authorization, request, { found, expected }) };
      const kind = `${found.verdict}${found.by === "" ? "" : " by a rule"}`;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      for (const note of found.notes) {
        const verdict = note.slice(note.lastIndexOf(" ") + 1);
        kinds.set(verdict, (kinds.get(verdict) ?? 0) + 1);
      }
    }
  }
  return { cases: done, kinds, difference: undefined };
}

function decide(table: AuthorizationTable, request: AdmissionRequest): Outcome {
  const notes: string[] = [];
  const verdict = table.decide(request, (by, deed) => notes.push(`${nameOf(by)} ${deed}`));
  const by =
    verdict.verdict === "ask"
      ? verdict.custom.map((custom) => nameOf(custom.by)).join(", ")
      : nameOf(verdict.by);
  return { verdict: verdict.verdict, by, notes };
}

function nameOf(by: DecidedBy | undefined): string {
  return by === undefined
    ? ""
    : `${by.source.namespace}/${by.source.name}${by.rule === "" ? "" : ` ${by.rule}`}`;
}

function describe(authorization: Authorization, request: AdmissionRequest, outcomes: object): string {
  const { http } = request;
  const headers = ["x", "y"].map((name) => `${name}: ${http?.header(name)}`);
  return JSON.stringify(
    { ...outcomes, request, headers, policies: toJson(AuthorizationSchema, authorization) },
    null,
    1,
  );
}
