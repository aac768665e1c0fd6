/** The text of docs/reference/policies.md: which policy may be aimed at what, and which proxies do what it says. */
import {
  type KindName,
  kindNames,
  type PolicyTargetKind,
  policyTargets,
  type TrafficSection,
  trafficSections,
} from "../../src/api/index.ts";
import { fieldsOf } from "../../src/api/reference-fields.ts";
import { fileOf } from "./kinds-reference.ts";
import { markdownTable } from "./markdown-table.ts";

/** What of a policy has a meaning at a target. */
const meanings: Readonly<Partial<Record<KindName, (target: PolicyTargetKind) => string>>> = {
  TrafficPolicy: (target) =>
    listed(
      Object.keys(trafficSections)
        .filter(isSection)
        .filter((section) => policyTargets[target].hasPool || !trafficSections[section].shapesPool),
    ) + (policyTargets[target].hasPool ? "" : ", but no `retries.budget`"),
  FaultPolicy: () => "`faults`",
};

/** Aimed at Services and their ports only, and laid over nothing: its own page says all that there is to say. */
const ofGatewayApi: readonly KindName[] = ["BackendTLSPolicy"];

/** Kinds that are aimed at something by `targetRefs`. */
export function policyKinds(): KindName[] {
  return kindNames.filter(
    (kind) => !ofGatewayApi.includes(kind) && fieldsOf(kind).some(({ path }) => path === "spec.targetRefs"),
  );
}

export function policiesReference(): string {
  const targets = Object.keys(policyTargets).filter(isTarget);
  const rows = policyKinds().flatMap((kind) =>
    targets.map((target) => [
      `[${kind}](kinds/${fileOf(kind)})`,
      targetText(target),
      meanings[kind]?.(target) ?? "",
      policyTargets[target].enforcedBy,
    ]),
  );
  const places = targets.map((target, index) => [
    String(index + 1),
    targetText(target),
    policyTargets[target].description,
  ]);
  return [
    "# Policies",
    "",
    "A policy is aimed at its targets by `spec.targetRefs`. What several policies say is laid over one another field by",
    "field: the nearest that says something about a field has it, and a policy that does not mention a field leaves it to",
    "those farther away. Lists are taken whole, and so are `sessionPersistence`, the probe of a `healthCheck` and the `faults`",
    "of a FaultPolicy.",
    "",
    "## Targets, from the farthest to the nearest",
    "",
    ...markdownTable(["", "Target", "What it is"], places),
    "",
    "A section is nearer than the whole: a port than its Service, a rule than its route. Nearer than any policy is what a rule",
    "says itself (`timeouts`, `retry`). Of two policies at the same target the older has a field that both mention, then the",
    "first by name. Targets lie in the policy's own namespace; the mesh is a target in `weft-system` only.",
    "",
    "Two fields of a route's policy count as one against those of a Service's: `retries.on` and `retries.grpcOn`.",
    "",
    "## Where policies are enforced",
    "",
    ...markdownTable(["Policy", "Target", "What has a meaning there", "Enforced by"], rows),
    "",
    "What has no meaning at a target is refused when it is written.",
    "",
    "## Status",
    "",
    "`status.ancestors` has an entry for each target with these conditions:",
    "",
    ...markdownTable(
      ["Condition", "Reason", "When"],
      [
        [
          "`Accepted=True`",
          "`Accepted`",
          "It holds. The message lists which of its fields a nearer policy says otherwise.",
        ],
        ["`Accepted=False`", "`TargetNotFound`", "There is no such Service, port, route or rule."],
        ["`Accepted=False`", "`Conflicted`", "An older policy at the same target says all that it says."],
        [
          "`Conflicted=True`",
          "`Conflicted`",
          "An older policy at the same target says some of what it says; the message lists the fields.",
        ],
        [
          "`Accepted=False`",
          "`Invalid`",
          "It cannot be compiled, as a pattern that is no RE2. The last version that could stays in force.",
        ],
      ],
    ),
    "",
    "This page is written from the code; `WEFT_UPDATE_GOLDEN=1 npm run test:repository` writes it anew.",
    "",
  ].join("\n");
}

function targetText(target: PolicyTargetKind): string {
  const { section } = policyTargets[target];
  return section === undefined ? target : `${target}, ${section}`;
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

function isTarget(name: string): name is PolicyTargetKind {
  return Object.hasOwn(policyTargets, name);
}

function isSection(name: string): name is TrafficSection {
  return Object.hasOwn(trafficSections, name);
}

/** Of a kind that the table does not explain. */
export function unexplained(): KindName[] {
  return policyKinds().filter((kind) => meanings[kind] === undefined);
}
