/**
 * The address of an etcd as one text: `etcd://[user@]host:port[,host:port…]/mesh[?name=value…]`. `etcds://`, or any of the
 * files, means TLS. Secrets are in files, never in the text: it stands in process lists.
 */
import { readFileSync } from "node:fs";
import { type Issue, WeftError } from "../../kernel/index.ts";
import type { TlsIdentity } from "../../net/index.ts";

export interface EtcdEndpoint {
  readonly address: string;
  readonly port: number;
}

export interface EtcdAddress {
  /** At least one. */
  readonly endpoints: readonly EtcdEndpoint[];
  /** Several meshes may share one etcd; default "mesh". */
  readonly mesh: string;
  readonly user?: { readonly name: string; readonly password: string };
  readonly tls?: EtcdTls;
}

export interface EtcdTls {
  /** Authorities that may have signed etcd's certificate. */
  readonly trustRootsPem: string;
  /** Of the client, where etcd asks for one. */
  readonly identity?: TlsIdentity;
  /** The name in etcd's certificate; default: the host of the address. */
  readonly serverName?: string;
}

const defaultPort = 2379;
const maxEndpoints = 16;
const parameters = ["ca-file", "cert-file", "key-file", "server-name", "password-file"];
const example = "for example etcd://10.0.0.1:2379,10.0.0.2:2379/mesh";

/** Throws `bad_input` with all that is wrong, `io` for a file that cannot be read. */
export function parseEtcdAddress(text: string): EtcdAddress {
  const match =
    /^(?<scheme>etcds?):\/\/(?:(?<user>[^@/]*)@)?(?<hosts>[^/?@]*)(?:\/(?<mesh>[^?]*))?(?:\?(?<query>.*))?$/.exec(
      text,
    );
  const parts = match?.groups;
  if (parts === undefined)
    throw new WeftError("bad_input", `"${withoutUser(text)}" is no address of an etcd`, { hint: example });
  const issues: Issue[] = [];
  const endpoints = (parts["hosts"] ?? "").split(",").map((host) => parseEndpoint(host, issues));
  if (endpoints.length > maxEndpoints)
    issues.push({ path: "endpoints", message: `no more than ${maxEndpoints} can be given` });
  const mesh = (parts["mesh"] ?? "").replace(/\/$/, "") || "mesh";
  if (!/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(mesh))
    issues.push({ path: "mesh", message: `"${mesh}" is no name: lower-case letters, digits, dots, dashes` });
  const query = new URLSearchParams(parts["query"] ?? "");
  for (const name of query.keys()) {
    if (!parameters.includes(name))
      issues.push({ path: name, message: `is not known; there are ${parameters.join(", ")}` });
  }
  const user = decodeURIComponent(parts["user"] ?? "");
  if (user.includes(":"))
    issues.push({ path: "user", message: "a password is not written here; give ?password-file=PATH" });
  const passwordFile = query.get("password-file");
  if ((user === "") !== (passwordFile === null))
    issues.push({ path: "user", message: "a user and ?password-file=PATH come together" });
  if ((query.get("cert-file") === null) !== (query.get("key-file") === null))
    issues.push({ path: "cert-file", message: "?cert-file and ?key-file come together" });
  const isTls = parts["scheme"] === "etcds" || query.has("ca-file") || query.has("cert-file");
  if (isTls && !query.has("ca-file"))
    issues.push({ path: "ca-file", message: "TLS needs ?ca-file=PATH: whose certificate etcd has" });
  if (issues.length > 0)
    throw new WeftError("bad_input", "the address of the etcd is not valid", { issues, hint: example });
  return {
    endpoints: endpoints.flatMap((endpoint) => endpoint ?? []),
    mesh,
    ...(passwordFile === null ? {} : { user: { name: user, password: readText(passwordFile).trimEnd() } }),
    ...(isTls ? { tls: readTls(query) } : {}),
  };
}

function parseEndpoint(text: string, issues: Issue[]): EtcdEndpoint | undefined {
  const groups = /^(?:\[(?<ip6>[0-9a-fA-F:]+)\]|(?<host>[a-zA-Z0-9._-]+))(?::(?<port>\d{1,5}))?$/.exec(
    text,
  )?.groups;
  const port = Number(groups?.["port"] ?? defaultPort);
  if (groups === undefined || port < 1 || port > 65_535) {
    issues.push({ path: "endpoints", message: `"${text}" is no host:port` });
    return undefined;
  }
  return { address: groups["ip6"] ?? groups["host"] ?? "", port };
}

function readTls(query: URLSearchParams): EtcdTls {
  const [caFile, certFile, keyFile] = [query.get("ca-file"), query.get("cert-file"), query.get("key-file")];
  const serverName = query.get("server-name");
  const trustRootsPem = readText(caFile ?? "");
  return {
    trustRootsPem,
    ...(certFile === null || keyFile === null
      ? {}
      : { identity: { certChainPem: readText(certFile), privateKeyPem: readText(keyFile), trustRootsPem } }),
    ...(serverName === null ? {} : { serverName }),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new WeftError("io", `cannot read ${file}, which the address of the etcd names`, { cause });
  }
}

function withoutUser(text: string): string {
  return text.replace(/\/\/[^@]*@/, "//…@");
}
