/** The rules of an ExternalService that span fields. */
import { canonicalIp, type Issue, Prefix } from "../kernel/index.ts";
import { preciseHostname } from "./formats.ts";
import { repeatedPorts } from "./port-list.ts";

/** The parts of a spec that the rules are about. */
export interface ExternalServiceSpec {
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
  readonly ports: readonly ExternalPort[];
  readonly resolution: "Static" | "DNS" | "None";
  readonly endpoints: readonly ExternalEndpoint[];
  readonly tls?: {
    readonly hostname?: string;
    readonly wellKnownCACertificates?: string;
    readonly caCertificateRefs?: readonly unknown[];
  };
  readonly virtualIPs?: readonly string[];
}

interface ExternalPort {
  readonly port: number;
  readonly name?: string;
  readonly protocol: string;
}

interface ExternalEndpoint {
  readonly address: string;
  readonly ports?: readonly { readonly port: number }[];
}

const hostPattern = new RegExp(preciseHostname.pattern ?? "");

export function checkExternalService(spec: ExternalServiceSpec): Issue[] {
  return [
    ...checkReach(spec),
    ...repeatedPorts(spec.ports, "spec.ports"),
    ...checkResolution(spec),
    ...spec.endpoints.flatMap((endpoint, index) =>
      checkEndpoint(endpoint, spec.ports, `spec.endpoints[${index}]`),
    ),
    ...checkRepetitions(spec.endpoints),
    ...checkTls(spec),
  ];
}

/** Whether names lead to addresses of the mesh's own: where real addresses are listed and connections go to those, names keep theirs. */
export function hasVirtualAddresses(
  spec: Pick<ExternalServiceSpec, "hosts" | "addresses" | "resolution">,
): boolean {
  return spec.hosts.length > 0 && (spec.resolution !== "None" || spec.addresses.length === 0);
}

function checkReach({ hosts, addresses, virtualIPs = [] }: ExternalServiceSpec): Issue[] {
  const issues: Issue[] = [];
  if (hosts.length + addresses.length === 0) {
    issues.push({ path: "spec.hosts", message: "a host is required where there are no addresses" });
  }
  for (const [index, host] of hosts.entries()) {
    if (canonicalIp(host) !== undefined) {
      issues.push({
        path: `spec.hosts[${index}]`,
        message: "must be a name; IP addresses stand in spec.addresses",
      });
    }
  }
  for (const [index, address] of addresses.entries()) {
    if (canonicalIp(address) === undefined && Prefix.parse(address) === undefined) {
      const message = "must be an IP address, or a prefix without host bits such as 192.0.2.0/24";
      issues.push({ path: `spec.addresses[${index}]`, message });
    }
  }
  for (const [index, address] of virtualIPs.entries()) {
    if (canonicalIp(address) === undefined)
      issues.push({ path: `spec.virtualIPs[${index}]`, message: "must be an IP address" });
  }
  return issues;
}

function checkResolution(spec: ExternalServiceSpec): Issue[] {
  const { resolution, endpoints, hosts, addresses } = spec;
  // Said already.
  if (hosts.length + addresses.length === 0) return [];
  switch (resolution) {
    case "Static":
      return endpoints.length === 0
        ? [{ path: "spec.endpoints", message: "is required where resolution is Static" }]
        : [];
    case "DNS": {
      if (endpoints.length > 0) return [];
      const [host, ...more] = hosts;
      if (host !== undefined && more.length === 0 && !host.startsWith("*.")) return [];
      const message =
        "is required where resolution is DNS, unless there is one host without a wildcard to be looked up; with resolution None each name leads to its own addresses";
      return [{ path: "spec.endpoints", message }];
    }
    case "None":
      return checkOriginal(spec);
  }
}

function checkOriginal({ endpoints, addresses, ports }: ExternalServiceSpec): Issue[] {
  const issues: Issue[] = [];
  if (endpoints.length > 0) {
    issues.push({ path: "spec.endpoints", message: "must be absent where resolution is None" });
  }
  if (addresses.length > 0) return issues;
  for (const [index, { protocol }] of ports.entries()) {
    if (protocol !== "TCP") continue;
    const message =
      "TCP does not show which host is meant: resolution None needs spec.addresses, or another protocol";
    issues.push({ path: `spec.ports[${index}].protocol`, message });
  }
  return issues;
}

function checkEndpoint(endpoint: ExternalEndpoint, ports: readonly ExternalPort[], path: string): Issue[] {
  const issues: Issue[] = [];
  const { address } = endpoint;
  // Digits and dots are an address with a mistake in it, not a name.
  const isName = hostPattern.test(address) && !/^[\d.]+$/.test(address);
  if (canonicalIp(address) === undefined && !isName) {
    issues.push({
      path: `${path}.address`,
      message: "must be an IP address or a host name such as db.example.com",
    });
  }
  const seen = new Set<number>();
  for (const [index, { port }] of (endpoint.ports ?? []).entries()) {
    const at = `${path}.ports[${index}].port`;
    if (!ports.some((each) => each.port === port))
      issues.push({ path: at, message: `spec.ports has no ${port}` });
    if (seen.has(port)) issues.push({ path: at, message: `${port} is listed twice` });
    seen.add(port);
  }
  return issues;
}

/** The same place twice is a weight. */
function checkRepetitions(endpoints: readonly ExternalEndpoint[]): Issue[] {
  const seen = new Set<string>();
  return endpoints.flatMap(({ address, ports }, index) => {
    const place = `${address} ${JSON.stringify(ports ?? [])}`;
    if (!seen.has(place)) {
      seen.add(place);
      return [];
    }
    return [{ path: `spec.endpoints[${index}].address`, message: `${address} is listed twice` }];
  });
}

function checkTls({ tls, ports, hosts, resolution }: ExternalServiceSpec): Issue[] {
  if (tls === undefined) return [];
  const issues: Issue[] = [];
  if (!ports.some((port) => isPlaintext(port.protocol))) {
    issues.push({ path: "spec.tls", message: "workloads encrypt themselves on every port of spec.ports" });
  }
  if (tls.wellKnownCACertificates !== undefined && tls.caCertificateRefs !== undefined) {
    issues.push({
      path: "spec.tls.caCertificateRefs",
      message: "must be absent where wellKnownCACertificates is given",
    });
  }
  const isOneHost = hosts.length === 1 && hosts[0]?.startsWith("*.") === false;
  const isSaid =
    resolution === "None" && hosts.length > 0 && ports.every(({ protocol }) => protocol !== "TCP");
  if (tls.hostname === undefined && !isOneHost && !isSaid) {
    issues.push({
      path: "spec.tls.hostname",
      message: "is required unless there is one host, or resolution None shows the name",
    });
  }
  return issues;
}

/** What workloads send in plaintext, so that the mesh may encrypt it. */
function isPlaintext(protocol: string): boolean {
  return protocol !== "HTTPS" && protocol !== "TLS";
}
