/** `weft complete -- WORDS…`, called by a shell: what the last word may become, a line each. Never an error, and never slow. */
import { Command } from "commander";
import { findKind, type KindName, kindNames, kinds } from "../api/index.ts";
import type { Cli } from "./cli.ts";
import { connectServer } from "./server.ts";
import { addSharedOptions, type SharedOptions } from "./shared-options.ts";
import { verbs } from "./verbs.ts";

/** A shell stands still meanwhile. */
const serverTimeoutMs = 1_000;
const kindVerbs: readonly string[] = ["get", "describe", "delete"];
/** Options whose value is the name of an object. */
const optionKinds: Readonly<Record<string, KindName>> = {
  "--workload": "MeshWorkload",
  "--from": "MeshWorkload",
};

export function command(cli: Cli): Command {
  return new Command("complete")
    .argument("[words...]")
    .action(async (words: readonly string[], options: SharedOptions) => {
      const last = words.at(-1) ?? "";
      const found = await candidates(words.slice(0, -1), last, { cli, options });
      const lines = found.filter((each) => each.startsWith(last)).toSorted();
      cli.output.write(lines.map((line) => `${line}\n`).join(""));
    });
}

interface Surroundings {
  readonly cli: Cli;
  readonly options: SharedOptions;
}

async function candidates(before: readonly string[], last: string, around: Surroundings): Promise<string[]> {
  const [name, ...args] = before;
  if (name === undefined) return Object.keys(verbs).filter((each) => verbs[each]?.hidden !== true);
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) return [];
  const { options } = addSharedOptions((await verb.load()).command(around.cli));
  const option = options.find(({ short, long }) => [short, long].includes(args.at(-1) ?? ""));
  if (option?.required === true) {
    const kind = optionKinds[option.long ?? ""];
    if (kind !== undefined) return await objectNames(kind, valueOf(args, ["-n", "--namespace"]), around);
    return [...(option.argChoices ?? [])];
  }
  if (last.startsWith("-")) return options.flatMap(({ long }) => long ?? []);
  const words = args.filter((arg, i) => !arg.startsWith("-") && !takesValue(args[i - 1], options));
  const [kindText] = words;
  if (name === "explain-kind") return words.length === 0 ? kindWords() : [];
  if (!kindVerbs.includes(name)) return [];
  if (kindText === undefined) return kindWords();
  return await objectNames(kindText, valueOf(args, ["-n", "--namespace"]), around);
}

function takesValue(
  word: string | undefined,
  options: readonly { readonly short?: string; readonly long?: string; readonly required: boolean }[],
): boolean {
  return options.some(
    ({ short, long, required }) => required && word !== undefined && [short, long].includes(word),
  );
}

function valueOf(args: readonly string[], names: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => names.includes(arg));
  return at < 0 ? undefined : args[at + 1];
}

function kindWords(): string[] {
  return kindNames.map((name) => kinds[name].singular);
}

async function objectNames(
  kindText: string,
  namespace: string | undefined,
  { cli, options }: Surroundings,
): Promise<string[]> {
  const kind = findKind(kindText);
  if (kind === undefined) return [];
  const late = new Promise<string[]>((resolve) => setTimeout(() => resolve([]), serverTimeoutMs).unref());
  const asked = async (): Promise<string[]> => {
    const client = await connectServer(cli, options);
    const where = kinds[kind].namespaced ? { namespace: namespace ?? options.namespace } : {};
    const { items } = await client.list(kind, where);
    return items.map(({ metadata }) => metadata.name);
  };
  // Nobody there, or nobody who lets us: a shell is told nothing.
  return await Promise.race([asked().catch(() => []), late]);
}
