/** `weft control`: the control plane, in the foreground until a signal. */
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { type ControlOptions, startControl } from "../control/index.ts";
import { canonicalIp, createLog, WeftError } from "../kernel/index.ts";
import { addApiAccessOptions, apiAccess, type ApiAccessOptions } from "./api-access-options.ts";
import type { Cli } from "./cli.ts";
import { dashboardFolder } from "./dashboard-folder.ts";
import { addKeySetOptions, type KeySetOptions, keySetSettings } from "./key-set-options.ts";
import { type HostPort, parseHostPort, type SharedOptions } from "./shared-options.ts";
import { notifyReady } from "./service-notify.ts";
import { untilSignal } from "./signals.ts";

interface Options extends SharedOptions, KeySetOptions, ApiAccessOptions {
  readonly dataDir: string;
  readonly api: HostPort | { readonly unixPath: string };
  readonly ads: HostPort;
  readonly store: string;
  readonly storeKeyFile?: string;
  readonly trustDomain?: string;
  readonly gateway?: string;
  readonly caCert?: string;
  readonly caKey?: string;
  readonly caRoot?: string;
  readonly caCrl?: string;
  readonly caPassphraseFile?: string;
  readonly saTokenIssuer?: string;
  readonly saTokenJwks?: string;
  readonly attestationSocket?: string;
  readonly attestationRules?: string;
  readonly prometheus?: string;
}

export function command(_cli: Cli): Command {
  const control = new Command("control")
    .option("--data-dir <dir>", "what the control plane keeps", ".weft/control")
    .addOption(
      new Option(
        "--api <address:port>",
        "where the API is served: an address (beyond loopback with --api-cert), or unix:PATH",
      )
        .argParser(parseApi)
        .default({ address: "127.0.0.1", port: 15_080 }, "127.0.0.1:15080"),
    )
    .addOption(
      new Option("--ads <address:port>", "where proxies connect, with mutual TLS")
        .argParser(parseHostPort)
        .default({ address: "127.0.0.1", port: 15_012 }, "127.0.0.1:15012"),
    )
    .option(
      "--store <where>",
      "sqlite: a file in the data directory; etcd://HOST:PORT[,HOST:PORT…]/MESH: shared with other control planes",
      "sqlite",
    )
    .option("--store-key-file <file>", "with etcd: 32 random bytes in base64 that encrypt what it holds")
    .option("--trust-domain <name>", "for a new data directory; absent: made at random")
    .option("--ca-cert <file>", "a CA's certificate in PEM, to be used in the place of our own")
    .option("--ca-key <file>", "its key")
    .option("--ca-root <file>", "the roots above it, where it is not one itself; all of them are trusted")
    .option("--ca-crl <file>", "what it has revoked, in PEM or DER")
    .option("--ca-passphrase-file <file>", "opens the CA's key, and encrypts our own ones")
    .option(
      "--sa-token-issuer <url>",
      "take service-account tokens of this cluster's issuer as proofs of identity",
    )
    .option("--sa-token-jwks <file|url>", "its keys")
    .option(
      "--attestation-socket <path>",
      "a Unix socket on which processes of this machine ask who they are",
    )
    .addOption(
      new Option(
        "--prometheus <url>",
        "a Prometheus server that scrapes the proxies: views of golden signals are read from it",
      ).argParser(parseHttpUrl),
    )
    .option("--attestation-rules <file>", "which processes are which service account (YAML)")
    .addOption(
      new Option(
        "--gateway <address>",
        "where gateways are served that name no address, for the status of Gateways",
      ).argParser(parseAddress),
    );
  return addKeySetOptions(addApiAccessOptions(control)).action(async (options: Options) => {
    const log = createLog({ format: options.logFormat, level: options.logLevel });
    const { trustDomain, gateway } = options;
    const control = await startControl({
      dataDir: resolve(options.dataDir),
      api: options.api,
      ads: options.ads,
      version: manifest.version,
      dashboard: dashboardFolder,
      keySets: keySetSettings(options),
      prometheusUrl: options.prometheus,
      log,
      ...apiAccess(options),
      ...sharedStoreOf(options),
      ...pluggedOf(options),
      ...tokensOf(options),
      ...attestationOf(options),
      ...(options.caPassphraseFile === undefined ? {} : { passphraseFile: options.caPassphraseFile }),
      ...(trustDomain === undefined ? {} : { trustDomain }),
      ...(gateway === undefined ? {} : { gatewayAddress: gateway }),
    });
    notifyReady(log);
    const ended = untilSignal({ stop: () => control.drain(), force: () => control.force() });
    await ended;
  });
}

function sharedStoreOf({ store, storeKeyFile }: Options): Pick<ControlOptions, "sharedStore"> {
  if (store === "sqlite") {
    if (storeKeyFile === undefined) return {};
    throw new WeftError("usage", "--store-key-file is for --store etcd://…", {
      hint: "--ca-passphrase-file encrypts the CA's keys on disk",
    });
  }
  if (!/^etcds?:\/\//.test(store)) {
    throw new WeftError("usage", `store "${store}" is not known`, {
      hint: "use --store sqlite, or --store etcd://HOST:PORT/MESH",
    });
  }
  if (storeKeyFile === undefined) {
    throw new WeftError(
      "usage",
      "--store etcd://… needs --store-key-file: etcd would hold the CA's keys readable",
      {
        hint: "head -c 32 /dev/urandom | base64 > FILE; chmod 600 FILE; the same file for every control plane",
      },
    );
  }
  return { sharedStore: { url: store, keyFile: resolve(storeKeyFile) } };
}

function pluggedOf({ caCert, caKey, caRoot, caCrl }: Options): Pick<ControlOptions, "plugged"> {
  if (caCert === undefined && caKey === undefined && caRoot === undefined && caCrl === undefined) return {};
  if (caCert === undefined || caKey === undefined) {
    throw new WeftError("usage", "--ca-cert and --ca-key belong together", {
      hint: "give both, with --ca-root where the certificate is no root itself",
    });
  }
  return { plugged: { certificateFile: caCert, keyFile: caKey, rootFile: caRoot, crlFile: caCrl } };
}

function tokensOf({
  saTokenIssuer: issuer,
  saTokenJwks: jwks,
}: Options): Pick<ControlOptions, "serviceAccountTokens"> {
  if (issuer === undefined && jwks === undefined) return {};
  if (issuer === undefined || jwks === undefined)
    throw new WeftError("usage", "--sa-token-issuer and --sa-token-jwks belong together");
  return { serviceAccountTokens: { issuer, jwks } };
}

function attestationOf({
  attestationSocket,
  attestationRules,
}: Options): Pick<ControlOptions, "processAttestation"> {
  if (attestationSocket === undefined && attestationRules === undefined) return {};
  if (attestationSocket === undefined || attestationRules === undefined)
    throw new WeftError("usage", "--attestation-socket and --attestation-rules belong together");
  return {
    processAttestation: { socketPath: resolve(attestationSocket), rulesFile: resolve(attestationRules) },
  };
}

function parseAddress(text: string): string {
  const address = canonicalIp(text);
  if (address === undefined) throw new InvalidArgumentError("write an IP address such as 192.0.2.1");
  return address;
}

function parseHttpUrl(text: string): string {
  if (!/^https?:\/\/[^\s@#?]+$/.test(text))
    throw new InvalidArgumentError("write an http or https URL such as http://127.0.0.1:9090");
  return text;
}

function parseApi(text: string): Options["api"] {
  if (!text.startsWith("unix:")) return parseHostPort(text);
  const unixPath = text.slice("unix:".length);
  if (!unixPath.startsWith("/"))
    throw new InvalidArgumentError("write an absolute path, such as unix:/run/weft/api.sock");
  return { unixPath };
}
