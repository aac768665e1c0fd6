/** How the keys of tokens' issuers are fetched, for the verbs that compile configuration. */
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { WeftError } from "../kernel/index.ts";
import type { KeySetSettings } from "../jwks/index.ts";

export interface KeySetOptions {
  readonly jwksCa?: string;
  readonly jwksAllowLoopback?: boolean;
}

export function addKeySetOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--jwks-ca <file>",
        "PEM of authorities that are trusted beside the machine's, to fetch issuers' keys",
      ),
    )
    .addOption(
      new Option(
        "--jwks-allow-loopback",
        "issuers' keys may be fetched from this machine; anything that listens on it may be asked",
      ),
    );
}

export function keySetSettings({ jwksCa, jwksAllowLoopback }: KeySetOptions): KeySetSettings {
  return {
    allowsLoopback: jwksAllowLoopback ?? false,
    ...(jwksCa === undefined ? {} : { extraRootsPem: readRoots(jwksCa) }),
  };
}

function readRoots(file: string): string {
  let pem: string;
  try {
    pem = readFileSync(file, "utf8");
  } catch (cause) {
    throw new WeftError("io", `cannot read ${file}`, { cause });
  }
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new WeftError("bad_input", `${file} holds no certificate in PEM`);
}
