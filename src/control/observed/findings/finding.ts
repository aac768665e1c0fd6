/** The findings that there can be: each code with its cause and what mends it. docs/reference/signals.md is held against this table. */
import type { FindingDocument } from "../../../api/index.ts";

export type Finding = FindingDocument;

export type FindingCode =
  | "cardinality-near-budget"
  | "certificate-near-expiry"
  | "failing-endpoint"
  | "failing-route"
  | "failing-service"
  | "plaintext-caller"
  | "proxy-behind"
  | "proxy-disconnected"
  | "proxy-refuses"
  | "proxies-current"
  | "retry-amplification"
  | "skewed-endpoints"
  | "slow-endpoint"
  | "slow-route"
  | "slow-service"
  | "telemetry-dropped"
  | "telemetry-refused"
  | "unused-policy"
  | "unused-route"
  | "window-not-on-disk";

export interface FindingKind {
  /** When it is found, for the reference. */
  readonly cause: string;
  readonly fix: string;
}

export const findingKinds: Readonly<Record<FindingCode, FindingKind>> = {
  "cardinality-near-budget": {
    cause: "A proxy, or the control plane, uses 80 % of the label sets that it may have.",
    fix: "drop labels with a TelemetryPolicy, or find out who calls so many different destinations",
  },
  "certificate-near-expiry": {
    cause: "Three quarters of a proxy's certificate's life are over, or a CA ends within 30 days.",
    fix: "a proxy renews at half its life: see its log and whether it is connected; for a CA, weft cert rotate-root",
  },
  "failing-endpoint": {
    cause: "Within 30 s one endpoint fails at least 5 % and five times as often as its siblings together.",
    fix: "look at that workload's log; outlier detection of a TrafficPolicy takes such an endpoint out by itself",
  },
  "failing-route": {
    cause: "Within 30 s a route fails at least 5 %, and three times as often as in the window before.",
    fix: "see what changed with weft history, and the reasons with weft top -o wide",
  },
  "failing-service": {
    cause: "Within 30 s a service fails at least 5 %, and three times as often as in the window before.",
    fix: "see what changed with weft history, and the reasons with weft top -o wide",
  },
  "plaintext-caller": {
    cause: "Somebody came in plaintext to a port that allows it.",
    fix: "give the caller a proxy, or leave that port permissive",
  },
  "proxy-behind": {
    cause: "A connected proxy does not run the newest revision.",
    fix: "wait some seconds; if it stays, see the proxy's log for what it refuses",
  },
  "proxy-disconnected": {
    cause: "A workload is registered and its proxy is not connected.",
    fix: "see whether the proxy runs and reaches the control plane's port; delete the MeshWorkload if it is gone for good",
  },
  "proxy-refuses": {
    cause: "A proxy cannot use a resource, and keeps what it had of it.",
    fix: "mend the object that the message names; if nothing is wrong with it, the proxy is of another version: upgrade it",
  },
  "proxies-current": { cause: "How many proxies run the newest revision.", fix: "" },
  "retry-amplification": {
    cause:
      "Within 5 minutes the proxies of a service made at least 1.2 tries for each request; from 2 on it is bad.",
    fix: "lower attempts or the retry budget in the TrafficPolicy of what it calls, and mend what fails there",
  },
  "skewed-endpoints": {
    cause:
      "Within a minute one of at least three endpoints gets twice its share, and 10 requests more than that.",
    fix: "see balancer, weights, locality and session affinity in the service's TrafficPolicy",
  },
  "slow-endpoint": {
    cause:
      "Within 30 s half of an endpoint's answers take three times as long as its siblings', and 20 ms more; or one in 100, for 40 s; or each of the few that it still gets, for balancers keep away from it.",
    fix: "look at that workload: its machine, its version, its own dependencies",
  },
  "slow-route": {
    cause:
      "Within 30 s half of a route's answers take three times as long as in the window before, and 20 ms more; or one in 100, for 40 s.",
    fix: "see what changed with weft history, and what the service behind it calls with weft graph",
  },
  "slow-service": {
    cause:
      "Within 30 s half of a service's answers take three times as long as in the window before, and 20 ms more; or one in 100, for 40 s.",
    fix: "see what changed with weft history, and what the service itself calls with weft graph",
  },
  "telemetry-dropped": {
    cause:
      "Label sets did not fit a budget and are counted together, or proxies dropped spans, log lines or records.",
    fix: "drop labels with a TelemetryPolicy; for spans and logs see whether the collector answers",
  },
  "telemetry-refused": {
    cause: "Proxies reported what was not theirs to tell, or what could not be read.",
    fix: "update proxies of another version; if they are current, find out who uses that certificate",
  },
  "unused-policy": {
    cause: "An AuthorizationPolicy matched nothing in the window although what it is aimed at had traffic.",
    fix: "delete it, or mend its match",
  },
  "unused-route": {
    cause: "A route took nothing in the window although the service that it is about had traffic.",
    fix: "delete it, or mend its hostnames, matches and parents; another route may take its requests",
  },
  "window-not-on-disk": {
    cause: "The disk does not take the window of golden signals: a restart would forget it.",
    fix: "free space on the disk of the data directory, and see the control plane's log",
  },
};

export interface FindingInit {
  readonly level: Finding["level"];
  readonly message: string;
  readonly about?: { readonly kind: string; readonly path: string };
}

export function finding(code: FindingCode, { level, message, about }: FindingInit): Finding {
  const slash = about?.path.indexOf("/") ?? -1;
  return {
    ...{ code, level, message, fix: findingKinds[code].fix },
    ...(about === undefined
      ? {}
      : {
          about: {
            kind: about.kind,
            namespace: slash < 0 ? "" : about.path.slice(0, slash),
            name: about.path.slice(slash + 1),
          },
        }),
  };
}
