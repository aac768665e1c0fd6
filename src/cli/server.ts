/** Finds the control plane: the one that is named, else a mesh of this machine, else the usual address. */
import { readFileSync } from "node:fs";
import { ApiClient, type TransportTls } from "../client/index.ts";
import { WeftError } from "../kernel/index.ts";
import { findInstance, type InstanceRecord, instanceRoot, runningInstances } from "../local/index.ts";
import type { Cli } from "./cli.ts";
import type { SharedOptions } from "./shared-options.ts";

const usualServer = "http://127.0.0.1:15080";

interface ServerPlace {
  readonly server: string;
  readonly unixPath?: string;
  readonly token: string | undefined;
}

export async function connectServer(cli: Cli, options: SharedOptions): Promise<ApiClient> {
  return new ApiClient(serverAccess(cli.env, options));
}

/** Where the control plane is and what is shown there. */
export function serverAccess(
  env: Readonly<Record<string, string | undefined>>,
  options: SharedOptions,
): ServerPlace & { readonly tls?: TransportTls } {
  const place = findServer(env, options);
  return place.server.startsWith("https:") ? { ...place, tls: ownTls(env) } : place;
}

function findServer(env: Readonly<Record<string, string | undefined>>, options: SharedOptions): ServerPlace {
  const root = instanceRoot(env);
  const named = options.server ?? nonEmpty(env["WEFT_SERVER"]);
  if (named?.startsWith("unix:") === true && options.instance === undefined) {
    // The kernel says who we are; a token counts where there is one.
    return { server: "http://localhost", unixPath: named.slice("unix:".length), token: ownToken(env) };
  }
  if (named !== undefined && options.instance === undefined) {
    const server = parseServer(named);
    const local = runningInstances(root).find((record) => urlOf(record) === server);
    return { server, token: ownToken(env) ?? tokenOf(local) };
  }
  if (options.instance === undefined && runningInstances(root).length === 0) {
    return { server: usualServer, token: ownToken(env) };
  }
  const record = findInstance(root, options.instance);
  return { server: urlOf(record), token: ownToken(env) ?? tokenOf(record) };
}

function parseServer(text: string): string {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new WeftError("usage", `${JSON.stringify(text)} is no server`, {
      hint: `write a URL such as ${usualServer}, or unix:PATH`,
    });
  }
  return url.origin;
}

function urlOf({ api }: InstanceRecord): string {
  return `http://${api.address.includes(":") ? `[${api.address}]` : api.address}:${api.port}`;
}

function ownToken(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const file = nonEmpty(env["WEFT_TOKEN_FILE"]);
  return nonEmpty(env["WEFT_TOKEN"]) ?? (file === undefined ? undefined : readToken(file));
}

function ownTls(env: Readonly<Record<string, string | undefined>>): TransportTls {
  const pem = (name: string): string | undefined => {
    const file = nonEmpty(env[name]);
    return file === undefined ? undefined : readPem(file, name);
  };
  const [ca, cert, key] = ["WEFT_CA_FILE", "WEFT_CLIENT_CERT_FILE", "WEFT_CLIENT_KEY_FILE"].map(pem);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function readPem(file: string, name: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new WeftError("permission", `${file} (${name}) cannot be read`, { cause });
  }
}

function tokenOf(record: InstanceRecord | undefined): string | undefined {
  return record === undefined ? undefined : readToken(record.tokenFile);
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new WeftError("permission", `the token in ${file} cannot be read`, {
      cause,
      hint: "the control plane writes its own to DATA-DIR/token, for its user alone",
    });
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
