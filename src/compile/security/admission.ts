/** What is asked at one place, of all policies that apply there, and the distinct answers of many places. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { milliseconds } from "../../api/index.ts";
import {
  type Admission,
  AdmissionSchema,
  type AuthorizationPolicySchema,
  type AuthorizationSchema,
  type RateLimitStoreSchema,
} from "../../model/index.ts";
import type { InputReader } from "../inputs.ts";
import { compareText, type InitOf } from "../resource.ts";
import { resolveAsked } from "./asked-services.ts";
import { clustersOfAdmission } from "./asked-clusters.ts";
import { mergeTokens } from "./authentication.ts";
import { type AuthorizationContent, compileCustom } from "./authorization.ts";
import type { PreparedLimit, RateLimitContent } from "./rate-limits.ts";
import type { AuthorizationInput, RateLimitInput } from "./security-input.ts";
import type { Place } from "./aimed-policies.ts";

export type AdmissionContent = InitOf<typeof AdmissionSchema>;

type PolicyContent = MessageInitShape<typeof AuthorizationPolicySchema>;

export interface AdmissionOptions {
  /** Beside the policies', of the last level. */
  readonly extra?: readonly PolicyContent[];
  /** What no allow policy is for is somebody else's to decide: the place is asked after another. */
  readonly isSecond?: boolean;
  /** Which limits are counted here. */
  readonly counts?: (limit: PreparedLimit) => boolean;
  /** Tokens and authorization are asked elsewhere. */
  readonly limitsOnly?: boolean;
}

/** Undefined: nothing is asked. */
export function admissionAt(
  inputs: InputReader,
  place: Place,
  { extra = [], isSecond = false, counts = () => true, limitsOnly = false }: AdmissionOptions = {},
): AdmissionContent | undefined {
  const jwt = limitsOnly ? undefined : tokensAt(inputs, place);
  const authorization = limitsOnly ? undefined : authorizationAt(inputs, place, extra, isSecond);
  const rateLimits = limitsAt(inputs, place, counts);
  if (jwt === undefined && authorization === undefined && rateLimits.length === 0) return undefined;
  return {
    ...(jwt === undefined ? {} : { jwt }),
    ...(authorization === undefined ? {} : { authorization }),
    rateLimits,
  };
}

function tokensAt(inputs: InputReader, place: Place): AdmissionContent["jwt"] {
  const said = inputs.security.authenticationAt(place);
  if (said.every(({ value }) => value.policy.spec.jwt === undefined)) return undefined;
  const { namespacesMayLoosen } = inputs.securitySettings();
  return mergeTokens(said, namespacesMayLoosen, (uri) => inputs.keySet(uri)?.document).jwt;
}

function authorizationAt(
  inputs: InputReader,
  place: Place,
  extra: readonly PolicyContent[],
  isSecond: boolean,
): InitOf<typeof AuthorizationSchema> | undefined {
  const { defaultAuthorization, authorizationLevels } = inputs.securitySettings();
  const policies = inputs.security
    .authorizationAt(place)
    .map(({ level, value: { policy, content } }) => ({
      ...content,
      level,
      ...(policy.spec.custom === undefined ? {} : { external: askedBy(inputs, policy, policy.spec.custom) }),
    }))
    .toSorted((a, b) => a.level - b.level || compareText(sourceText(a), sourceText(b)));
  const all: PolicyContent[] = [...policies, ...extra];
  const defaultDeny = defaultAuthorization === "Deny" && !isSecond;
  if (all.length === 0 && !defaultDeny) return undefined;
  return { policies: all, defaultDeny, unitesLevels: authorizationLevels === "Unite" };
}

function sourceText({ source }: AuthorizationContent): string {
  return `${source?.namespace ?? ""}/${source?.name ?? ""}`;
}

function askedBy(
  inputs: InputReader,
  policy: AuthorizationInput,
  custom: NonNullable<AuthorizationInput["spec"]["custom"]>,
) {
  const asked = resolveAsked(inputs, referrerOf(policy), custom.backendRef);
  return {
    ...compileCustom(policy, custom),
    ...("cluster" in asked ? { cluster: asked.cluster } : { unresolved: asked.unresolved }),
  };
}

export function referrerOf({ kind, metadata: { namespace } }: AuthorizationInput | RateLimitInput) {
  return { group: "weft.dev", kind, namespace };
}

function limitsAt(
  inputs: InputReader,
  place: Place,
  counts: (limit: PreparedLimit) => boolean,
): RateLimitContent[] {
  return inputs.security
    .rateLimitsAt(place)
    .flatMap(({ value: { policy, limits } }) =>
      limits.filter(counts).map((limit) => ({ ...limit.content, ...reliedOn(inputs, policy, limit) })),
    );
}

/** Who counts, where no proxy does so by itself. */
function reliedOn(
  inputs: InputReader,
  policy: RateLimitInput,
  { scope }: PreparedLimit,
): Pick<RateLimitContent, "store" | "service"> {
  if (scope === "Global") return { store: sharedStore(inputs) };
  const { service } = policy.spec;
  if (scope !== "Service" || service === undefined) return {};
  const asked = resolveAsked(inputs, referrerOf(policy), service.backendRef);
  return {
    service: {
      ...("cluster" in asked ? { cluster: asked.cluster } : { unresolved: asked.unresolved }),
      domain: service.domain,
      timeoutMs: milliseconds(service.timeout) ?? 0,
      failsClosed: service.failClosed,
    },
  };
}

/** MeshConfig is whoever runs the mesh: its references need nobody's permission. */
export function sharedStore(inputs: InputReader): InitOf<typeof RateLimitStoreSchema> {
  const redis = inputs.redis();
  if (redis === undefined) return { unresolved: "MeshConfig.spec.rateLimits.redis is not set" };
  const { backendRef, secretRef, database, timeout, keyPrefix } = redis;
  const from = { group: "weft.dev", kind: "MeshConfig", namespace: backendRef.namespace };
  const asked = resolveAsked(inputs, from, backendRef);
  if (!("cluster" in asked)) return { unresolved: asked.unresolved };
  const secret = secretRef && `${secretRef.namespace}/${secretRef.name}`;
  const credentials = secret === undefined ? noCredentials : inputs.credentials(secret);
  if (credentials === undefined) return { unresolved: `Secret ${secret} does not exist or has no password` };
  return {
    cluster: asked.cluster,
    ...credentials,
    database,
    timeoutMs: milliseconds(timeout) ?? 0,
    keyPrefix,
  };
}

const noCredentials = { username: "", password: "" };

/** The distinct ones of many places, counted from 1, and whom they ask. */
export class AdmissionTable {
  readonly #indexes = new Map<string, number>();
  readonly #admissions: Admission[] = [];

  /** 0: nothing is asked. */
  add(content: AdmissionContent | undefined): number {
    if (content === undefined) return 0;
    const admission = create(AdmissionSchema, content);
    const key = Buffer.from(toBinary(AdmissionSchema, admission)).toString("latin1");
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.#admissions.push(admission);
    this.#indexes.set(key, this.#admissions.length);
    return this.#admissions.length;
  }

  get admissions(): Admission[] {
    return this.#admissions;
  }

  get clusters(): string[] {
    return [...new Set(this.#admissions.flatMap(clustersOfAdmission))].toSorted(compareText);
  }
}
