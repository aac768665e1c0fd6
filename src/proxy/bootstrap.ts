/**
 * What a proxy must know before it can ask the control plane anything: who it is, where to listen, whom to trust.
 * Parsed once at the edge; every problem is reported with its field path and an unknown field is one of them.
 */
import { type Issue, type LogLevel, WeftError } from "../kernel/index.ts";
import { ShapeReader } from "./shape-reader.ts";

export interface ListenAddress {
  readonly address: string;
  /** 0: any free port; the ready line names what was bound. */
  readonly port: number;
}

interface BootstrapPort {
  readonly port: number;
  readonly name: string;
  readonly protocol: string;
}

export interface ExplicitUpstream extends ListenAddress {
  /** "namespace/name" */
  readonly service: string;
  readonly servicePort: number;
}

export type Capture =
  | {
      readonly kind: "redirect";
      readonly outboundPort: number;
      readonly inboundPort: number;
      readonly dnsPort: number;
      /** SO_MARK of the proxy's own connections, which the redirection lets through; 0: none is set. */
      readonly mark: number;
    }
  | { readonly kind: "explicit"; readonly outbound: readonly ExplicitUpstream[] }
  | { readonly kind: "none" };

/** `port` overrides the listener's own port where the program may not bind that one. */
export type GatewayListen =
  | { readonly kind: "tcp"; readonly address: string; readonly port?: number }
  | { readonly kind: "unix"; readonly directory: string; readonly address: string; readonly port?: number };

interface BootstrapWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Where the application offers metrics of its own, as `prometheus.io/scrape`, `port` and `path` say it; absent: nowhere. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  readonly ports: readonly BootstrapPort[];
  readonly region: string;
  readonly zone: string;
}

export interface ProxyBootstrap {
  readonly role: "sidecar" | "gateway";
  readonly workload: BootstrapWorkload;
  readonly controlPlane: {
    readonly address: string;
    readonly port: number;
    readonly trustRootsPem: string;
    /** More control planes of the mesh; any of them serves any proxy. Absent: there is one. */
    readonly others?: readonly ListenAddress[];
  };
  /** Read for the first certificate only. */
  readonly joinTokenFile?: string;
  /** A projected service-account token of the cluster, in the place of a join token. */
  readonly serviceAccountTokenFile?: string;
  /** Where the control plane of this machine tells processes who they are, in the place of both. */
  readonly attestationSocket?: string;
  /** Key, certificate and last good configuration, each with mode 0600. */
  readonly dataDir: string;
  readonly capture: Capture;
  /** Where peers of the mesh dial (15008). */
  readonly tunnel: ListenAddress;
  /** Where inbound dials first; then the workload's own addresses. */
  readonly application: { readonly address: string };
  readonly admin: ListenAddress;
  readonly health: ListenAddress;
  readonly gateway?: GatewayListen;
  /** `address` or `address:port` of resolvers. Empty: names outside the mesh are answered with REFUSED. */
  readonly dnsUpstreams: readonly string[];
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
  /** Absent: the access log goes to standard output. */
  readonly accessLogFile?: string;
}

const maxMark = 0xffff_ffff;

/** Throws one `bad_input` error that carries every issue. */
export function parseBootstrap(text: string, file: string): ProxyBootstrap {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WeftError("bad_input", `${file} is not valid JSON`, { cause });
  }
  const issues: Issue[] = [];
  const bootstrap = readBootstrap(new ShapeReader(value, "", issues), issues);
  if (issues.length > 0) {
    throw new WeftError("bad_input", `${file} is not a valid proxy bootstrap`, {
      issues: issues.map((issue) => ({ ...issue, file })),
    });
  }
  return bootstrap;
}

function readBootstrap(root: ShapeReader, issues: Issue[]): ProxyBootstrap {
  const role = root.oneOf("role", ["sidecar", "gateway"], "sidecar", true);
  const gateway = readGateway(root.optionalObject("gateway"));
  const joinTokenFile = root.optionalText("joinTokenFile");
  const serviceAccountTokenFile = root.optionalText("serviceAccountTokenFile");
  const attestationSocket = root.optionalText("attestationSocket");
  const accessLogFile = root.optionalText("accessLogFile");
  if (role === "gateway" && gateway === undefined) {
    issues.push({ path: "gateway", message: "is required for the role gateway" });
  }
  const bootstrap: ProxyBootstrap = {
    role,
    workload: readWorkload(root.object("workload")),
    controlPlane: readControlPlane(root.object("controlPlane")),
    ...(joinTokenFile === undefined ? {} : { joinTokenFile }),
    ...(serviceAccountTokenFile === undefined ? {} : { serviceAccountTokenFile }),
    ...(attestationSocket === undefined ? {} : { attestationSocket }),
    dataDir: root.text("dataDir"),
    capture: readCapture(root.object("capture")),
    tunnel: readListen(root.object("tunnel")),
    application: readApplication(root.object("application")),
    admin: readListen(root.object("admin")),
    health: readListen(root.object("health")),
    ...(gateway === undefined ? {} : { gateway }),
    dnsUpstreams: root.texts("dnsUpstreams"),
    logFormat: root.oneOf("logFormat", ["text", "json"], "text"),
    logLevel: root.oneOf("logLevel", ["debug", "info", "warn", "error"], "info"),
    ...(accessLogFile === undefined ? {} : { accessLogFile }),
  };
  root.finish();
  return bootstrap;
}

function readWorkload(reader: ShapeReader): BootstrapWorkload {
  const workload: BootstrapWorkload = {
    namespace: reader.text("namespace"),
    name: reader.text("name"),
    serviceAccount: reader.text("serviceAccount"),
    labels: reader.textMap("labels"),
    annotations: reader.textMap("annotations", { optional: true }),
    addresses: reader.ips("addresses"),
    ports: reader.objects("ports").map(readPort),
    region: reader.text("region", { optional: true }),
    zone: reader.text("zone", { optional: true }),
  };
  reader.finish();
  return workload;
}

function readPort(reader: ShapeReader): BootstrapPort {
  const port: BootstrapPort = {
    port: reader.number("port", 1, 65_535),
    name: reader.text("name", { optional: true }),
    protocol: reader.text("protocol", { optional: true }),
  };
  reader.finish();
  return port;
}

function readControlPlane(reader: ShapeReader): ProxyBootstrap["controlPlane"] {
  const result = {
    address: reader.ip("address"),
    port: reader.number("port", 1, 65_535),
    trustRootsPem: reader.text("trustRootsPem"),
  };
  const others = reader.optionalObjects("others")?.map((other) => {
    const endpoint = { address: other.ip("address"), port: other.number("port", 1, 65_535) };
    other.finish();
    return endpoint;
  });
  reader.finish();
  return others === undefined ? result : { ...result, others };
}

function readCapture(reader: ShapeReader): Capture {
  const kind = reader.oneOf("kind", ["redirect", "explicit", "none"], "none", true);
  const capture = readCaptureOf(kind, reader);
  reader.finish();
  return capture;
}

function readCaptureOf(kind: Capture["kind"], reader: ShapeReader): Capture {
  switch (kind) {
    case "redirect":
      return {
        kind,
        outboundPort: reader.port("outboundPort"),
        inboundPort: reader.port("inboundPort"),
        dnsPort: reader.port("dnsPort"),
        mark: reader.number("mark", 0, maxMark),
      };
    case "explicit":
      return { kind, outbound: reader.objects("outbound").map(readExplicit) };
    case "none":
      return { kind };
  }
}

function readExplicit(reader: ShapeReader): ExplicitUpstream {
  const upstream: ExplicitUpstream = {
    address: reader.ip("address"),
    port: reader.port("port"),
    service: reader.text("service"),
    servicePort: reader.number("servicePort", 1, 65_535),
  };
  reader.finish();
  return upstream;
}

function readListen(reader: ShapeReader): ListenAddress {
  const result = { address: reader.ip("address"), port: reader.port("port") };
  reader.finish();
  return result;
}

function readApplication(reader: ShapeReader): { address: string } {
  const result = { address: reader.ip("address") };
  reader.finish();
  return result;
}

function readGateway(reader: ShapeReader | undefined): GatewayListen | undefined {
  if (reader === undefined) return undefined;
  const kind = reader.oneOf("kind", ["tcp", "unix"], "tcp", true);
  const port = reader.optionalPort("port");
  const directory = kind === "unix" ? reader.text("directory") : "";
  const address = reader.ip("address");
  reader.finish();
  const withPort = port === undefined ? {} : { port };
  return kind === "unix" ? { kind, directory, address, ...withPort } : { kind, address, ...withPort };
}
