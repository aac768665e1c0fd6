/** `weft auth whoami`, `weft auth can-i VERB KIND [NAME]` and `weft auth kubeconfig`: whom the control plane takes one for, and what that person may. */
import { Command } from "commander";
import { findKind, kinds } from "../api/index.ts";
import type { AccessQuestion } from "../client/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { plainText } from "./plain-text.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { collect, type SharedOptions } from "./shared-options.ts";

interface Options extends SharedOptions {
  readonly as?: string;
  readonly asGroup?: readonly string[];
}

export function command(cli: Cli): Command {
  return new Command("auth")
    .usage("[options] whoami | can-i VERB KIND [NAME] | can-i VERB /PATH | kubeconfig")
    .argument("<question>", "whoami, can-i or kubeconfig")
    .argument(
      "[words...]",
      "for can-i: a verb, then a kind, a plural with its group and subresource, or a path",
    )
    .option("--as <user>", "ask for this user; needs the right to ask for others")
    .option("--as-group <group>", "and for this group; may be given again", collect)
    .action(async (question: string, words: readonly string[], options: Options) => {
      if (question === "whoami" && words.length === 0) return whoami(cli, options);
      if (question === "can-i") return canI(cli, words, options);
      if (question === "kubeconfig" && words.length === 0) return kubeconfig(cli, options);
      throw new WeftError("usage", `auth ${[question, ...words].join(" ")} is not known`, {
        hint: "write weft auth whoami, or weft auth can-i get httproutes",
      });
    });
}

async function whoami(cli: Cli, options: Options): Promise<void> {
  const me = await (await connectServer(cli, options)).whoami();
  const text = structured(me, options.output);
  if (text !== undefined) {
    cli.output.write(text);
    return;
  }
  const { username = "", groups = [] } = me;
  cli.output.write(`${plainText(username)}\n`);
  if (options.output !== "name" && groups.length > 0)
    cli.output.write(`groups: ${plainText(groups.join(", "))}\n`);
}

/** 0: yes. 1: no. */
async function canI(cli: Cli, words: readonly string[], options: Options): Promise<void> {
  const question = questionOf(words, options);
  const client = await connectServer(cli, options);
  const { as: user, asGroup: groups } = options;
  const answer = await client.canI(
    question,
    user === undefined && groups === undefined ? undefined : { user, groups },
  );
  const text = structured(answer, options.output);
  cli.output.write(text ?? (answer.allowed ? "yes\n" : "no\n"));
  if (text === undefined && answer.reason !== undefined) cli.output.note(plainText(answer.reason));
  if (!answer.allowed) cli.exitCode = 1;
}

function questionOf([verb, what, name, ...more]: readonly string[], options: Options): AccessQuestion {
  if (verb === undefined || what === undefined || more.length > 0) {
    throw new WeftError("usage", "can-i needs a verb and a kind", {
      hint: "write weft auth can-i get httproutes",
    });
  }
  if (what.startsWith("/")) return { path: what, verb };
  const [plural = "", subresource] = what.split("/", 2);
  const kind = findKind(plural);
  const [resource = "", ...groupParts] = plural.split(".");
  const known =
    kind === undefined ? { group: groupParts.join("."), plural: resource, namespaced: true } : kinds[kind];
  return {
    verb,
    group: known.group,
    resource: known.plural,
    ...(subresource === undefined ? {} : { subresource }),
    ...(known.namespaced && options.allNamespaces !== true ? { namespace: options.namespace } : {}),
    ...(name === undefined ? {} : { name }),
  };
}
