/** The text of docs/reference/policies.md: which policy may be aimed at what, and which proxies do what it says. */
import {
  type KindName,
  kindNames,
  type PolicyTargetKind,
  policyTargets,
  type SecurityTargetKind,
  securityTargets,
  type TelemetryTargetKind,
  telemetryTargets,
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

/** Of policies of security and rate. Undefined: it is refused there when it is written. */
const securityMeanings: Readonly<
  Partial<Record<KindName, (target: SecurityTargetKind | "selector") => string>>
> = {
  AuthorizationPolicy: () => "all of it",
  AuthenticationPolicy: (target) =>
    target === "selector"
      ? "`mtls`, `mtls.ports`, `jwt`"
      : ["Gateway", "HTTPRoute", "GRPCRoute"].includes(target)
        ? "`jwt`"
        : "`mtls.mode`, `jwt`",
  RateLimitPolicy: () => "all of it",
};

/** Aimed at Services and their ports only, and laid over nothing: its own page says all that there is to say. */
const ofGatewayApi: readonly KindName[] = ["BackendTLSPolicy"];

/** Laid over MeshConfig's settings. */
const ofTelemetry: KindName = "TelemetryPolicy";

function telemetryRows(): string[][] {
  return [
    ...Object.keys(telemetryTargets)
      .filter(isTelemetryTarget)
      .map((target) => {
        const { section, description, enforcedBy } = telemetryTargets[target];
        return [section === undefined ? target : `${target}, ${section}`, description, enforcedBy];
      }),
    [
      "`selector`",
      "Workloads that have the labels: all of their traffic, in both directions.",
      "their own proxies",
    ],
  ];
}

function isTelemetryTarget(name: string): name is TelemetryTargetKind {
  return Object.hasOwn(telemetryTargets, name);
}

/** Kinds that are aimed at something by `targetRefs`. */
export function policyKinds(): KindName[] {
  return kindNames.filter(
    (kind) => !ofGatewayApi.includes(kind) && fieldsOf(kind).some(({ path }) => path === "spec.targetRefs"),
  );
}

function securityRows(): string[][] {
  const kinds = policyKinds().filter((kind) => securityMeanings[kind] !== undefined);
  return kinds.flatMap((kind) => {
    const row = (target: SecurityTargetKind | "selector", text: string, enforcedBy: string) => [
      `[${kind}](kinds/${fileOf(kind)})`,
      text,
      securityMeanings[kind]?.(target) ?? "",
      enforcedBy,
    ];
    return [
      ...Object.keys(securityTargets)
        .filter(isSecurityTarget)
        .map((target) => row(target, securityTargetText(target), securityTargets[target].enforcedBy)),
      row("selector", "`selector`", "the own proxies of the workloads that have the labels"),
    ];
  });
}

function securityTargetText(target: SecurityTargetKind): string {
  const { section } = securityTargets[target];
  return section === undefined ? target : `${target}, ${section}`;
}

function isSecurityTarget(name: string): name is SecurityTargetKind {
  return Object.hasOwn(securityTargets, name);
}

export function policiesReference(): string {
  const targets = Object.keys(policyTargets).filter(isTarget);
  const rows = policyKinds()
    .filter((kind) => securityMeanings[kind] === undefined && kind !== ofTelemetry)
    .flatMap((kind) =>
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
    "A policy is aimed at its targets by `spec.targetRefs`. There are three families. Policies of traffic and faults say how requests",
    "are sent: the nearest wins. Policies of security and rate say what may come in: they are enforced where requests arrive, and",
    "nearer ones only tighten. TelemetryPolicies say what is told of it: the nearest wins, over MeshConfig.",
    "",
    "## Traffic and faults",
    "",
    "What several policies say is laid over one another field by",
    "field: the nearest that says something about a field has it, and a policy that does not mention a field leaves it to",
    "those farther away. Lists are taken whole, and so are `sessionPersistence`, the probe of a `healthCheck` and the `faults`",
    "of a FaultPolicy.",
    "",
    "### Targets, from the farthest to the nearest",
    "",
    ...markdownTable(["", "Target", "What it is"], places),
    "",
    "A section is nearer than the whole: a port than its Service, a rule than its route. Nearer than any policy is what a rule",
    "says itself (`timeouts`, `retry`). Of two policies at the same target the older has a field that both mention, then the",
    "first by name. Targets lie in the policy's own namespace; the mesh is a target in `weft-system` only.",
    "",
    "Two fields of a route's policy count as one against those of a Service's: `retries.on` and `retries.grpcOn`.",
    "",
    "### Where they are enforced",
    "",
    ...markdownTable(["Policy", "Target", "What has a meaning there", "Enforced by"], rows),
    "",
    "What has no meaning at a target is refused when it is written.",
    "",
    "## Security and rate",
    "",
    "They are aimed by `spec.targetRefs`, or by `spec.selector` at workloads of their own namespace that have all of its labels.",
    "",
    ...markdownTable(
      ["", "Target", "What it is"],
      Object.keys(securityTargets)
        .filter(isSecurityTarget)
        .map((target, index) => [
          String(index + 1),
          securityTargetText(target),
          securityTargets[target].description,
        ]),
    ),
    "",
    "Selectors, Services and Gateways are one level, so there are four: mesh, namespace, workload, route.",
    "",
    "- **AuthorizationPolicy**: any Deny that matches denies, wherever it is. Then every Custom that matches is asked. Then each level",
    "  that has Allow policies must have one that matches (`MeshConfig.spec.security.authorizationLevels: Unite` makes one of all",
    "  levels enough). Where there is no Allow at all, `defaultAuthorization` decides. On raw TCP what needs a request never matches",
    "  an Allow and always matches a Deny.",
    "- **AuthenticationPolicy**, mTLS: `Strict` is tighter than `Permissive`, that is tighter than `Disabled`. The mesh's own policies take the",
    "  place of the default, `Strict`; each nearer level can only be tighter, and of one level the tightest holds. What is looser has no",
    "  effect and its status says so, unless `MeshConfig.spec.security.namespacesMayLoosen`. A port is nearer than its workload.",
    "- **AuthenticationPolicy**, JWT: issuers of all levels are taken. An issuer is the farthest's who names it, and where a farther level requires",
    "  tokens a nearer one adds no issuers, with the same exception.",
    "- **RateLimitPolicy**: all limits of all levels hold at once.",
    "",
    "### Where they are enforced",
    "",
    ...markdownTable(["Policy", "Target", "What has a meaning there", "Enforced by"], securityRows()),
    "",
    "Gateways ask at the listener first and at the rule then. Where a rule's route names issuers of its own, or allows something",
    "where nothing else does, everything is asked at the rules of that listener: requests that no rule takes are answered",
    "with 404 there and ask nothing. Datagrams ask nobody.",
    "",
    "## Telemetry",
    "",
    `A [TelemetryPolicy](kinds/${fileOf(ofTelemetry)}) is aimed by \`spec.targetRefs\` or by \`spec.selector\`. The nearest that says something about a field`,
    "has it, `MeshConfig.spec.telemetry` is the farthest, and what `redaction` lists adds up: see [telemetry](telemetry.md). Services, selectors and",
    "Gateways are one level. `collectors` and `metrics.maxSeries` are refused at routes.",
    "",
    ...markdownTable(["Target", "What it is", "Done by"], telemetryRows()),
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
          "It holds. The message lists which of its fields a nearer policy says otherwise, what a farther one asks for too, and rules that can match nothing.",
        ],
        [
          "`Accepted=False`",
          "`TargetNotFound`",
          "There is no such Service, port, Gateway, listener, route or rule.",
        ],
        [
          "`Accepted=False`",
          "`NotEnforced`",
          "Of security and rate: the route is attached to Services only, where a server does not rely on its callers; or the target takes nothing but datagrams, which ask nobody.",
        ],
        [
          "`Accepted=False`",
          "`Conflicted`",
          "Nothing of it has an effect: an older policy at the same target says all of it, or a farther one is tighter.",
        ],
        [
          "`Conflicted=True`",
          "`Conflicted`",
          "Some of it has no effect, for the same reasons; the message lists what.",
        ],
        [
          "`Accepted=False`",
          "`Invalid`",
          "It cannot be compiled, as a pattern that is no RE2 or a condition that is no CEL; the message says where. The last version that could stays in force.",
        ],
        [
          "`ResolvedRefs`",
          "",
          "Of policies that refer to a service, a Redis or keys to be fetched: whether there is such a thing.",
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
  return policyKinds().filter(
    (kind) => kind !== ofTelemetry && meanings[kind] === undefined && securityMeanings[kind] === undefined,
  );
}
