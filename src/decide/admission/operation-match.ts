/** What is done: the conditions of an `OperationMatch`. */
import type { OperationMatch } from "../../model/index.ts";
import {
  type Condition,
  ListConditions,
  type MembershipTest,
  needsHttp,
  needsMethod,
  needsNothing,
  needsPath,
} from "./condition.ts";
import { headerConditions } from "./header-match.ts";
import { headsOf } from "./path-head.ts";
import { PatternList } from "./pattern.ts";
import type { RequestFacts } from "./request-facts.ts";

export function prepareOperation(match: OperationMatch): Condition[] {
  const conditions: Condition[] = [];
  ports.addTo(conditions, match.ports, match.notPorts);
  serverNames.addTo(conditions, match.serverNames, match.notServerNames);
  methods.addTo(conditions, match.methods, match.notMethods);
  hosts.addTo(conditions, match.hosts, match.notHosts);
  paths.addTo(conditions, match.paths, match.notPaths);
  grpcServices.addTo(conditions, match.grpcServices, match.notGrpcServices);
  grpcMethods.addTo(conditions, match.grpcMethods, match.notGrpcMethods);
  headerConditions.addTo(conditions, match.headers, match.notHeaders);
  return conditions;
}

const ports = new ListConditions<number>(
  { name: "ports", needs: needsNothing, show: (facts) => String(facts.request.caller.port) },
  (entries) => (facts) => (entries.includes(facts.request.caller.port) ? "yes" : "no"),
);

const serverNames = new ListConditions<string>(
  { name: "serverNames", needs: needsNothing, show: (facts) => facts.request.caller.serverName },
  (entries) => {
    const list = PatternList.ofNames(entries);
    return (facts) => {
      const name = facts.request.caller.serverName;
      return name === "" ? "absent" : list.has(name.toLowerCase());
    };
  },
);

const methods = new ListConditions<string>(
  { name: "methods", needs: needsMethod, show: (facts) => facts.request.http?.method ?? "" },
  (entries) => {
    const list = PatternList.ofTexts(entries);
    return ({ request: { http } }) => (http === undefined ? "unknown" : list.has(http.method));
  },
);

const hosts = new ListConditions<string>(
  { name: "hosts", needs: needsHttp, show: (facts) => facts.request.http?.authority ?? "" },
  prepareHosts,
);

/** A pattern with a port is compared with host and port, one without with the host. No host may mean any to the server. */
function prepareHosts(entries: readonly string[]): MembershipTest {
  const hasPort = (entry: string): boolean => /:(\d+|\*)$/.test(entry) && !/^\[[^\]]*$/.test(entry);
  const names = PatternList.ofNames(entries.filter((entry) => !hasPort(entry)));
  const withPort = entries.filter(hasPort);
  const namesWithPort = withPort.length === 0 ? undefined : PatternList.ofNames(withPort);
  return (facts) => {
    if (facts.host === "") return "unknown";
    const found = names.has(facts.host);
    if (found === "yes" || namesWithPort === undefined) return found;
    const foundWithPort = namesWithPort.has(facts.hostAndPort);
    return foundWithPort === "no" ? found : foundWithPort;
  };
}

const paths = new ListConditions<string>(
  { name: "paths", needs: needsPath, show: (facts) => facts.path ?? "" },
  (entries) => {
    const list = PatternList.ofPaths(entries);
    return (facts) => (facts.path === undefined ? "unknown" : list.has(facts.path));
  },
  headsOf,
);

const showCall = (facts: RequestFacts): string =>
  facts.request.http?.isGrpc === true ? (facts.path ?? "") : "";

const grpcServices = new ListConditions<string>(
  { name: "grpcServices", needs: needsPath, show: showCall },
  ofGrpcCall((call) => call.slice(0, call.lastIndexOf("/"))),
);

const grpcMethods = new ListConditions<string>(
  { name: "grpcMethods", needs: needsPath, show: showCall },
  ofGrpcCall((call) => call),
);

/** What is no gRPC call is surely none of a service. */
function ofGrpcCall(part: (call: string) => string): (entries: readonly string[]) => MembershipTest {
  return (entries) => {
    const list = PatternList.ofTexts(entries);
    return (facts) => {
      if (facts.request.http === undefined) return "unknown";
      if (facts.request.http.isGrpc && facts.path === undefined) return "unknown";
      const call = facts.grpcCall;
      return call === undefined ? "no" : list.has(part(call));
    };
  };
}
