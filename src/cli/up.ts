/** `weft up [DIR…]`: a whole mesh on this machine in the foreground, until Ctrl-C. */
import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { keyOf } from "../api/index.ts";
import { checkoutRoot, createLog, systemClock } from "../kernel/index.ts";
import { baseObjects, LocalUp, readMeshFiles } from "../local/index.ts";
import { checkDocuments } from "./check-documents.ts";
import type { Cli } from "./cli.ts";
import { definedOnly } from "./environment.ts";
import { readFiles, refuse } from "./read-files.ts";
import { gatewayUrls, readyScreen } from "./ready-screen.ts";
import {
  type GatewayAddress,
  type HostPort,
  parseGatewayAddress,
  parseHostPort,
  type SharedOptions,
} from "./shared-options.ts";
import { untilSignal } from "./signals.ts";

export const defaultInstance = "default";
const exampleDir = join(checkoutRoot, "examples", "shop");

interface Options extends SharedOptions {
  readonly dataDir?: string;
  readonly api: HostPort;
  readonly gateway: GatewayAddress;
  readonly isolation: "auto" | "netns" | "userns" | "loopback";
}

export function command(cli: Cli): Command {
  return new Command("up")
    .argument(
      "[dirs...]",
      "folders (or files) that describe programs and resources; without one: the example shop",
    )
    .option("--data-dir <dir>", "what the mesh keeps; absent: .weft/INSTANCE in the current folder")
    .addOption(
      new Option("--api <address:port>", "where the API is served")
        .argParser(parseHostPort)
        .default({ address: "127.0.0.1", port: 15_080 }, "127.0.0.1:15080"),
    )
    .addOption(
      new Option(
        "--gateway <address[:port]>",
        "where gateways are served; a port replaces the listener's own",
      )
        .argParser(parseGatewayAddress)
        .default({ hostAddress: "127.0.0.1" }, "127.0.0.1"),
    )
    .addOption(
      new Option(
        "--isolation <kind>",
        "how workloads are kept apart; auto finds out what this machine allows",
      )
        .choices(["auto", "netns", "userns", "loopback"])
        .default("auto"),
    )
    .action(async (dirs: readonly string[], options: Options) => {
      const startedMs = performance.now();
      const log = createLog({ format: options.logFormat, level: options.logLevel });
      const name = options.instance ?? defaultInstance;
      const paths = dirs.length === 0 ? [exampleDir] : dirs;
      const { programs, objects } = await readMesh(paths, options.namespace);
      const up = new LocalUp({
        name,
        isolation: options.isolation,
        dataDir: resolve(options.dataDir ?? join(".weft", name)),
        api: options.api,
        gateway: options.gateway,
        programs,
        objects,
        env: definedOnly(cli.env),
        clock: systemClock,
        log,
        logFormat: options.logFormat,
        logLevel: options.logLevel,
      });
      const signalled = untilSignal({ stop: () => up.stop(), force: () => up.force() });
      try {
        const ready = await Promise.race([up.start(), signalled]);
        if (typeof ready === "string") return;
        const { isolation, revision, workloads, api } = ready;
        const tookMs = Math.round(performance.now() - startedMs);
        const [gateway] = gatewayUrls({ objects, gateway: ready.gateway });
        const apiUrl = `http://${api.address}:${api.port}`;
        log.ready({ instance: name, isolation, gateway, api: apiUrl, workloads, revision, tookMs });
        if (options.logFormat === "text") {
          for (const line of readyScreen({ ...ready, name, objects, paths, env: cli.env }))
            cli.output.note(line);
        }
        const failure = await Promise.race([signalled, up.failed()]);
        if (typeof failure !== "string") throw failure;
      } finally {
        await up.stop();
      }
    });
}

async function readMesh(paths: readonly string[], namespace: string) {
  const { programs, others, issues } = readMeshFiles(await readFiles(paths));
  refuse(issues);
  const { written, objects } = checkDocuments(others, namespace);
  const keys = objects.map(keyOf);
  const described = (kind: string, ns: string, name: string): boolean =>
    keys.some((key) => key.kind === kind && key.namespace === ns && key.name === name);
  return { programs, objects: [...baseObjects(programs, described, "weft-up"), ...written] };
}
