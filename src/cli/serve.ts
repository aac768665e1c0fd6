/** `weft serve -f PATH…`: a gateway that files configure, in the foreground until a signal. */
import { Command, InvalidArgumentError, Option } from "commander";
import { createLog, WeftError } from "../kernel/index.ts";
import { startStandalone } from "../standalone/index.ts";
import { placeText } from "../workers/index.ts";
import type { Cli } from "./cli.ts";
import { fileSource } from "./file-source.ts";
import { addKeySetOptions, type KeySetOptions, keySetSettings } from "./key-set-options.ts";
import { machineResolvers } from "./machine-resolvers.ts";
import {
  collect,
  type GatewayAddress,
  type HostPort,
  parseGatewayAddress,
  parseHostPort,
  type SharedOptions,
} from "./shared-options.ts";
import { notifyReady } from "./service-notify.ts";
import { untilSignal } from "./signals.ts";
import { followSuccessors } from "./successor.ts";
import { ownCommand, workerCommand } from "./worker-command.ts";
import { maxWorkers, readWorkerCount } from "./worker-count.ts";

interface Options extends SharedOptions, KeySetOptions {
  readonly filename: readonly string[];
  readonly gateway: GatewayAddress;
  readonly admin: HostPort;
  readonly health: HostPort;
  readonly dns?: readonly string[];
  readonly listenOnly?: boolean;
  readonly workers?: number;
  readonly dataDir?: string;
  readonly takeover?: boolean;
}

const help = `
Reads Gateways, HTTPRoutes, Services, EndpointSlices and what belongs to them from the files, and follows their changes:
a change is taken whole or not at all, and no connection is dropped for it. SIGHUP reads the files again.
SIGUSR2 has a process with --data-dir start what is installed now in its own place.
With --workers, each change reaches all of them before it is reported, and --admin adds up what they count.
Services get their endpoints from EndpointSlices (or from MeshWorkloads without a tunnel), which are dialled directly.
ExternalServices are backends too; their names are looked up here.

  weft serve -f gateway.yaml
  weft serve -f gateway.yaml --data-dir run/ --takeover     restart or upgrade, with no connection lost
  weft serve -f conf/ --gateway 0.0.0.0 --log-format json`;

export function command(_cli: Cli): Command {
  const serve = new Command("serve")
    .addOption(
      new Option("-f, --filename <path>", "a file, or a folder of files; may be given several times")
        .argParser(collect)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        "--gateway <address[:port]>",
        "where Gateways without addresses of their own listen; a port replaces that of the first listener",
      )
        .argParser(parseGatewayAddress)
        .default({ hostAddress: "127.0.0.1" }, "127.0.0.1"),
    )
    .addOption(
      new Option("--admin <address:port>", "metrics, readiness and the configuration that runs")
        .argParser(parseHostPort)
        .default({ address: "127.0.0.1", port: 15_020 }, "127.0.0.1:15020"),
    )
    .addOption(
      new Option("--health <address:port>", "readiness alone")
        .argParser(parseHostPort)
        .default({ address: "127.0.0.1", port: 15_021 }, "127.0.0.1:15021"),
    )
    .addOption(
      new Option(
        "--dns <address[:port]>",
        "a resolver for the names of ExternalServices; may be given several times; default: those of /etc/resolv.conf",
      ).argParser(collect),
    )
    .addOption(
      new Option("--workers <number>", "processes that share the work, for as many cores").argParser(
        parseWorkers,
      ),
    )
    .option(
      "--data-dir <dir>",
      "a directory of its own, which one process has at a time, and by which the next one takes over",
    )
    .option(
      "--takeover",
      "replace the process that has the data directory: open the same listeners, have it finish what it has, lose nothing",
    )
    .option("--listen-only", "open the Gateways' listeners and nothing else: neither --admin nor --health")
    .addHelpText("after", help)
    .action(async (options: Options) => {
      const startedMs = performance.now();
      const { admin, health, gateway } = options;
      const log = createLog({ format: options.logFormat, level: options.logLevel });
      const standalone = await startStandalone({
        files: fileSource(options.filename, options.namespace),
        compiler: compilerCommand(options),
        gateway: {
          kind: "tcp",
          address: gateway.hostAddress,
          ...(gateway.port === undefined ? {} : { port: gateway.port }),
        },
        dnsUpstreams: options.dns ?? (await machineResolvers()),
        ...(options.listenOnly === true ? {} : { admin, health }),
        ...workersOf(options),
        ...successionOf(options),
        keySets: keySetSettings(options),
        log,
      });
      const ended = untilSignal({ stop: () => standalone.drain(), force: () => standalone.close() });
      process.on("SIGHUP", () => standalone.reload());
      log.ready({
        gateway: standalone.gatewayUrl,
        listeners: standalone.listeners.map(placeText).join(","),
        admin: standalone.admin && placeText(standalone.admin),
        health: standalone.health && placeText(standalone.health),
        revision: standalone.revision,
        replaced: standalone.replacedPid,
        tookMs: Math.round(performance.now() - startedMs),
      });
      notifyReady(log);
      const stopFollowing = options.dataDir === undefined ? () => {} : followSuccessors(log);
      await Promise.race([ended, standalone.replaced]);
      stopFollowing();
    });
  return addKeySetOptions(serve);
}

function parseWorkers(text: string): number {
  const count = readWorkerCount(text);
  if (count === undefined) throw new InvalidArgumentError(`write a whole number from 1 to ${maxWorkers}`);
  return count;
}

function successionOf({ dataDir, takeover }: Options): { dataDir?: string; takesOver?: boolean } {
  if (dataDir !== undefined) return { dataDir, takesOver: takeover ?? false };
  if (takeover !== true) return {};
  throw new WeftError("usage", "--takeover needs the --data-dir of the process to replace");
}

function compilerCommand({ filename, gateway, namespace, logFormat, logLevel }: Options): readonly string[] {
  const files = filename.flatMap((path) => ["--filename", path]);
  const log = ["--log-format", logFormat, "--log-level", logLevel];
  const place = ["--gateway", gateway.hostAddress, "--namespace", namespace];
  return [...ownCommand(), "compiler", ...files, ...place, ...log];
}

function workersOf({ workers, logFormat, logLevel }: Options) {
  if (workers === undefined || workers === 1) return {};
  return { workers: { count: workers, command: workerCommand({ format: logFormat, level: logLevel }) } };
}
