/** What `weft up` says when all is ready: where things are, what is worth trying, what this isolation cannot do. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { checkoutRoot } from "../kernel/index.ts";
import { gatewayDoors, type UpReady } from "../local/index.ts";

export interface ReadyScreenInput extends UpReady {
  readonly name: string;
  readonly objects: readonly unknown[];
  readonly paths: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

const programPath = join(checkoutRoot, "bin", "weft");

export function readyScreen(input: ReadyScreenInput): string[] {
  const { name, api, isolation, refused, limits, logsDir, silent, tokenFile } = input;
  const weft = `${commandName(input.env)}${name === "default" ? "" : ` --instance ${name}`}`;
  const gateways = gatewayUrls(input);
  const tries = [
    ...gateways.slice(0, 1).map((url) => [`curl ${url}`, "a request through the gateway"]),
    [`${weft} graph`, "who calls whom"],
    ...moves(input.paths).map((path) => [`${weft} apply --wait -f ${path}`, "move traffic"]),
    ...(gateways.length === 0
      ? [[`${weft} run --service hello --port 8000/http -- python3 -m http.server`, "add a program"]]
      : []),
    [`${weft} top`, "golden signals, live"],
  ].slice(0, 4);
  const apiUrl = `http://${api.address}:${api.port}`;
  const tokenPath = relative("", tokenFile) || tokenFile;
  const width = Math.max(...tries.map(([command = ""]) => command.length));
  return [
    "",
    ...tries.map(([command = "", what = ""]) => `  ${command.padEnd(width)}   ${what}`),
    "",
    `  dashboard ${apiUrl}/   sign in with the token in ${tokenPath}`,
    `  metrics   curl -H "authorization: Bearer $(cat ${tokenPath})" ${apiUrl}/metrics`,
    `  API on ${apiUrl}, logs in ${relative("", logsDir) || logsDir}; Ctrl-C ends all of it`,
    ...refused.map(({ kind, reason }) => `  ${kind} is not possible here: ${reason}`),
    ...limits.map((limit) => `  with ${isolation}, ${limit}`),
    ...silent.map((program) => `  ${program} does not listen on its port yet; its log may say why`),
  ];
}

/** How this program was called: by its name where that is on the PATH, else by its path. */
function commandName(env: Readonly<Record<string, string | undefined>>): string {
  const isOnPath = (env["PATH"] ?? "")
    .split(delimiter)
    .some((directory) => directory !== "" && existsSync(join(directory, "weft")));
  return isOnPath || !existsSync(programPath) ? "weft" : relative("", programPath);
}

/** A folder `moves` beside the files holds changes to try; it is not read by itself. */
function moves(paths: readonly string[]): string[] {
  for (const path of paths) {
    const directory = join(path, "moves");
    // What was named may be a file.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    return readdirSync(directory)
      .filter((name) => name.endsWith(".yaml"))
      .toSorted()
      .slice(0, 1)
      .map((name) => relative("", join(directory, name)));
  }
  return [];
}

/** In the order of the files. */
export function gatewayUrls({ objects, gateway }: Pick<ReadyScreenInput, "objects" | "gateway">): string[] {
  return gatewayDoors(objects, gateway).map(({ address, port }) => `http://${address}:${port}/`);
}
