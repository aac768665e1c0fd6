/** TelemetryPolicies by what they are aimed at, beside what MeshConfig says; and a reader that finds what holds at a place. */
import { weftGroup } from "../../api/index.ts";
import type { Issue } from "../../kernel/index.ts";
import type { Prepared } from "../policy/policy-index.ts";
import { PolicyIndex } from "../policy/policy-index.ts";
import { factsOf, findAimed, type Place } from "../security/aimed-policies.ts";
import { type CompiledSettings, compileSettings } from "./settings.ts";
import {
  type Collectors,
  type SettingsInput,
  settingsOf,
  type TelemetryPolicyInput,
} from "./telemetry-input.ts";

const kind = "TelemetryPolicy";
const meshFact = "mesh-telemetry";
/** Where collectors of MeshConfig are that say nothing of it. */
const meshNamespace = "weft-system";

/** What one object says. */
export interface TelemetryLayer {
  /** Undefined: MeshConfig. */
  readonly policy: TelemetryPolicyInput | undefined;
  readonly settings: CompiledSettings;
  readonly collectors: Collectors | undefined;
}

export interface PreparedTelemetryPolicy extends TelemetryLayer {
  readonly policy: TelemetryPolicyInput;
}

export interface MeshTelemetry extends TelemetryLayer {
  /** What of the newest version could not be compiled. */
  readonly problems: readonly string[];
  /** No version of it could be compiled whole: what could not is left out. */
  readonly isFallback: boolean;
}

export class TelemetryPolicies {
  readonly index = new PolicyIndex<TelemetryPolicyInput, PreparedTelemetryPolicy>({ prepare, factsOf });
  #meshInput: SettingsInput = {};
  #mesh: MeshTelemetry = meshLayer({});
  #isWritten = false;

  get mesh(): MeshTelemetry {
    return this.#mesh;
  }

  setMesh(settings: SettingsInput, dirty: Set<string>): void {
    if (Bun.deepEquals(settings, this.#meshInput)) return;
    this.#meshInput = settings;
    const newest = meshLayer(settings);
    // What the last version hides stays hidden.
    const keepsLast = newest.isFallback && !this.#mesh.isFallback && this.#isWritten;
    this.#mesh = keepsLast ? { ...this.#mesh, problems: newest.problems } : newest;
    this.#isWritten = true;
    dirty.add(meshFact);
  }
}

/** What is read is added to `read`. */
export class TelemetryReader {
  readonly #policies: TelemetryPolicies;
  readonly #read: Set<string>;

  constructor(policies: TelemetryPolicies, read: Set<string>) {
    this.#policies = policies;
    this.#read = read;
  }

  mesh(): MeshTelemetry {
    this.#read.add(meshFact);
    return this.#policies.mesh;
  }

  /** Policies that hold there, the nearest first; at one level those of a part come before those of the whole, then the older. */
  layersAt(place: Place): PreparedTelemetryPolicy[] {
    return findAimed(this.#policies.index, kind, place, this.#read)
      .toSorted((a, b) => b.level - a.level || Number(b.hasSection) - Number(a.hasSection))
      .map(({ value }) => value);
  }

  /** The newest, and why it does not hold. For its own status, which is computed anew whenever it changes. */
  policy(path: string) {
    return this.#policies.index.get(path);
  }
}

function prepare(policy: TelemetryPolicyInput): Prepared<PreparedTelemetryPolicy> {
  const invalid: Issue[] = [];
  const said = settingsOf(policy);
  const settings = compileSettings(said, "spec", invalid);
  if (invalid.length > 0) return { problem: invalid.map(issueText).join("; ") };
  return { value: { policy, settings, collectors: collectorsOf(said, kind, policy.metadata.namespace) } };
}

function meshLayer(said: SettingsInput): MeshTelemetry {
  const invalid: Issue[] = [];
  const settings = compileSettings(said, "spec.telemetry", invalid);
  const collectors = collectorsOf(said, "MeshConfig", meshNamespace);
  const isFallback = invalid.length > 0;
  return { policy: undefined, settings, collectors, problems: invalid.map(issueText), isFallback };
}

function collectorsOf(
  { collectors: list }: SettingsInput,
  ofKind: string,
  namespace: string,
): Collectors | undefined {
  return list && { from: { group: weftGroup, kind: ofKind, namespace }, list };
}

function issueText({ path, message }: Issue): string {
  return `${path}: ${message}`;
}
