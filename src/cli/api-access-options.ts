/** The options of `weft control` about who may use its API, read into what the control plane takes. */
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { ControlOptions } from "../control/index.ts";
import { WeftError } from "../kernel/index.ts";
import { collect } from "./shared-options.ts";

export interface ApiAccessOptions {
  readonly apiSocket?: string;
  readonly apiName?: readonly string[];
  readonly apiCert?: string;
  readonly apiKey?: string;
  readonly clientCaFile?: string;
  readonly tokenAuthFile?: string;
  readonly oidcIssuer?: string;
  readonly oidcClientId?: string;
  readonly oidcClientSecretFile?: string;
  readonly oidcUsernameClaim: string;
  readonly oidcGroupsClaim: string;
  readonly oidcUsernamePrefix: string;
  readonly oidcGroupsPrefix: string;
  readonly oidcScope?: readonly string[];
  readonly oidcCaFile?: string;
}

const group = "API access:";

export function addApiAccessOptions(command: Command): Command {
  const add = (flags: string, description: string, fallback?: string): void => {
    const option = new Option(flags, description).helpGroup(group);
    command.addOption(fallback === undefined ? option : option.default(fallback));
  };
  add("--api-socket <path>", "a Unix socket for the API, beside --api");
  command.addOption(
    new Option("--api-name <host>", "a name by which clients reach the API; may be given again")
      .argParser(collect)
      .helpGroup(group),
  );
  add("--api-cert <file>", "serve the API over TLS with this chain (PEM); needed beyond loopback");
  add("--api-key <file>", "its private key (PEM)");
  add("--client-ca-file <file>", "client certificates of these authorities prove their user (PEM)");
  add("--token-auth-file <file>", 'bearer tokens, token,user,uid,"group1,group2" in each line, mode 0600');
  add("--oidc-issuer <url>", "take tokens of this OpenID provider");
  add("--oidc-client-id <id>", "the audience that they must be for");
  add(
    "--oidc-client-secret-file <file>",
    "for logging in with a browser, where the provider asks for a secret",
  );
  add("--oidc-username-claim <name>", "the claim that names the user", "sub");
  add("--oidc-groups-claim <name>", "the claim that names the groups", "groups");
  add("--oidc-username-prefix <text>", "stands before users of the provider", "oidc:");
  add("--oidc-groups-prefix <text>", "stands before groups of the provider", "oidc:");
  command.addOption(
    new Option("--oidc-scope <name>", "asked for when logging in, besides openid; may be given again")
      .argParser(collect)
      .helpGroup(group),
  );
  add("--oidc-ca-file <file>", "the authorities of the provider's certificate (PEM)");
  return command;
}

type ApiAccess = Pick<ControlOptions, "apiSocket" | "hostNames" | "apiTls" | "apiTokenFile" | "oidc">;

/** Throws `usage` for options that need others, `bad_input` for files that cannot be read. */
export function apiAccess(options: ApiAccessOptions): ApiAccess {
  const { apiSocket, apiName, tokenAuthFile } = options;
  return {
    ...(apiSocket === undefined ? {} : { apiSocket }),
    ...(apiName === undefined ? {} : { hostNames: apiName }),
    ...(tokenAuthFile === undefined ? {} : { apiTokenFile: tokenAuthFile }),
    ...apiTls(options),
    ...oidc(options),
  };
}

function apiTls({ apiCert, apiKey, clientCaFile }: ApiAccessOptions): Pick<ApiAccess, "apiTls"> {
  if (apiCert === undefined && apiKey === undefined) {
    if (clientCaFile === undefined) return {};
    throw new WeftError("usage", "--client-ca-file needs --api-cert and --api-key");
  }
  if (apiCert === undefined || apiKey === undefined) {
    throw new WeftError("usage", "--api-cert and --api-key belong together");
  }
  const clientCaPem = clientCaFile === undefined ? {} : { clientCaPem: read(clientCaFile) };
  return { apiTls: { certChainPem: read(apiCert), privateKeyPem: read(apiKey), ...clientCaPem } };
}

function oidc(options: ApiAccessOptions): Pick<ApiAccess, "oidc"> {
  const {
    oidcIssuer: issuer,
    oidcClientId: clientId,
    oidcClientSecretFile: secretFile,
    oidcCaFile: caFile,
  } = options;
  if (issuer === undefined && clientId === undefined) return {};
  if (issuer === undefined || clientId === undefined) {
    throw new WeftError("usage", "--oidc-issuer and --oidc-client-id belong together");
  }
  return {
    oidc: {
      issuer,
      clientId,
      usernameClaim: options.oidcUsernameClaim,
      groupsClaim: options.oidcGroupsClaim,
      usernamePrefix: options.oidcUsernamePrefix,
      groupsPrefix: options.oidcGroupsPrefix,
      scopes: ["openid", ...(options.oidcScope ?? ["profile", "email"])],
      ...(secretFile === undefined ? {} : { clientSecret: read(secretFile).trim() }),
      ...(caFile === undefined ? {} : { caPem: read(caFile) }),
    },
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new WeftError("bad_input", `${file} cannot be read`, { cause });
  }
}
