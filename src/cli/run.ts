/** `weft run --service S … -- CMD…`: one unmodified program as a workload of a running mesh. */
import { Command, InvalidArgumentError, Option } from "commander";
import { createLog, systemClock, WeftError } from "../kernel/index.ts";
import { defaultPortName, type Program, runProgram } from "../local/index.ts";
import type { Cli } from "./cli.ts";
import { definedOnly } from "./environment.ts";
import type { SharedOptions } from "./shared-options.ts";
import { passSignals } from "./signals.ts";

type Port = Program["ports"][number];
type Upstream = Program["upstreams"][number];

interface Options extends SharedOptions {
  readonly service: string;
  readonly name?: string;
  readonly serviceAccount?: string;
  readonly label: Readonly<Record<string, string>>;
  readonly port: readonly Port[];
  readonly upstream: readonly Omit<Upstream, "namespace">[];
}

/** Enough to tell the instances of one service apart. */
const suffixLength = 5;
const protocols = ["http", "http2", "grpc", "tcp", "tls"];

export function command(cli: Cli): Command {
  return new Command("run")
    .usage("--service S [options] -- CMD…")
    .argument("<command...>", "the program and its arguments")
    .requiredOption("--service <name>", "the Service that it belongs to; made where none selects it")
    .option("--name <name>", "the workload's name; absent: the service's with a suffix")
    .option("--service-account <name>", "its identity; absent: the service's name")
    .option("--label <key=value>", "a label; may be given again", parseLabel, {})
    .option(
      "--port <port[/protocol]>",
      "what it listens on, such as 8080/http; may be given again",
      parsePort,
      [],
    )
    .option(
      "--upstream <service:port>",
      "what it calls, told as <SERVICE>_URL; may be given again",
      parseUpstream,
      [],
    )
    .addOption(
      new Option("--isolation <kind>", "must be the mesh's own")
        .choices(["auto", "netns", "userns", "loopback"])
        .default("auto"),
    )
    .action(async (argv: readonly string[], options: Options) => {
      const program = programOf(argv, options);
      cli.exitCode = await runProgram({
        instance: options.instance,
        program,
        env: definedOnly(cli.env),
        clock: systemClock,
        log: createLog({ format: options.logFormat, level: options.logLevel }),
        logFormat: options.logFormat,
        logLevel: options.logLevel,
        onSignal: passSignals,
      });
    });
}

function programOf(argv: readonly string[], options: Options): Program {
  if (argv.length === 0) throw new WeftError("usage", "no program given", { hint: "write it after --" });
  const suffix = crypto.randomUUID().slice(0, suffixLength);
  return {
    namespace: options.namespace,
    name: options.name ?? `${options.service}-${suffix}`,
    labels: { app: options.service, ...options.label },
    annotations: {},
    service: options.service,
    serviceAccount: options.serviceAccount ?? options.service,
    command: argv,
    cwd: process.cwd(),
    env: {},
    ports: options.port,
    upstreams: options.upstream.map((upstream) => ({ ...upstream, namespace: options.namespace })),
  };
}

function parseLabel(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new InvalidArgumentError("write key=value");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

function parsePort(text: string, before: readonly Port[]): Port[] {
  const [number = "", protocol = "", ...rest] = text.split("/");
  const port = Number(number);
  if (!/^\d+$/.test(number) || port < 1 || port > 65_535 || rest.length > 0) {
    throw new InvalidArgumentError("write a port, and how it is spoken to if you like: 8080/http");
  }
  if (protocol !== "" && !protocols.includes(protocol)) {
    throw new InvalidArgumentError(`protocols are ${protocols.join(", ")}`);
  }
  return [...before, { port, protocol, name: defaultPortName({ port, protocol }) }];
}

function parseUpstream(
  text: string,
  before: readonly Omit<Upstream, "namespace">[],
): Omit<Upstream, "namespace">[] {
  const match = /^([a-z][a-z0-9-]*):(\d{1,5})$/.exec(text);
  if (match === null) throw new InvalidArgumentError("write a service and its port: reviews:9080");
  return [...before, { service: match[1] ?? "", port: Number(match[2]) }];
}
