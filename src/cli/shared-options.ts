/** The options that every verb takes, and how their values are read. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseDurationMs } from "../api/index.ts";
import type { LogLevel } from "../kernel/index.ts";

export interface SharedOptions {
  readonly server?: string;
  readonly instance?: string;
  readonly namespace: string;
  readonly allNamespaces?: boolean;
  readonly output: OutputFormat;
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
}

export type OutputFormat = "table" | "wide" | "json" | "yaml" | "name";

const outputFormats: readonly OutputFormat[] = ["table", "wide", "json", "yaml", "name"];

export function addSharedOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--server <url>", "the control plane's API, or unix:PATH (WEFT_SERVER)").helpGroup(
        "Shared options:",
      ),
    )
    .addOption(
      new Option("--instance <name>", "a mesh of this machine, by name").helpGroup("Shared options:"),
    )
    .addOption(
      new Option("-n, --namespace <name>", "the namespace").default("default").helpGroup("Shared options:"),
    )
    .addOption(new Option("-A, --all-namespaces", "every namespace").helpGroup("Shared options:"))
    .addOption(
      new Option("-o, --output <format>", "how results are printed")
        .choices(outputFormats)
        .default("table")
        .helpGroup("Shared options:"),
    )
    .addOption(
      new Option("--log-format <format>", "on stderr")
        .choices(["text", "json"])
        .default("text")
        .helpGroup("Shared options:"),
    )
    .addOption(
      new Option("--log-level <level>")
        .choices(["debug", "info", "warn", "error"])
        .default("info")
        .helpGroup("Shared options:"),
    );
}

/** Those after which one more argument belongs to the option, for finding the verb. */
export const sharedOptionsWithValue: ReadonlySet<string> = new Set([
  "--server",
  "--instance",
  "-n",
  "--namespace",
  "-o",
  "--output",
  "--log-format",
  "--log-level",
]);

/** `500ms`, `30s`, `1m30s`, in milliseconds. */
export function parseDuration(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === undefined) throw new InvalidArgumentError("write a duration such as 500ms, 30s or 2m");
  return durationMs;
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("write a whole number above 0");
  return Number(text);
}

export interface HostPort {
  readonly address: string;
  readonly port: number;
}

/** `15080`, `127.0.0.1:15080`, `[::1]:0`. A port alone means the loopback address. */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)|(localhost)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[4]);
  if (match === null || port > 65_535) {
    throw new InvalidArgumentError("write an address and a port, such as 127.0.0.1:15080");
  }
  return { address: match[1] ?? match[2] ?? "127.0.0.1", port };
}

export interface GatewayAddress {
  readonly hostAddress: string;
  /** In the place of a Gateway's own port. */
  readonly port?: number;
}

/** `127.0.0.1`, `127.0.0.1:8080`, `8080`. */
export function parseGatewayAddress(text: string): GatewayAddress {
  if (/^[0-9.]+$/.test(text) && text.includes(".")) return { hostAddress: text };
  try {
    const { address, port } = parseHostPort(text);
    return { hostAddress: address, port };
  } catch {
    throw new InvalidArgumentError("write an address, or an address and a port, such as 127.0.0.1:8080");
  }
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
