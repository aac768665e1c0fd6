/** `weft describe KIND NAME`: one resource with what became of it, conditions first because they answer "does it work?". */
import { Command } from "commander";
import { stringify } from "yaml";
import type { Cli } from "./cli.ts";
import { describeRequest, isRequest } from "./describe-request.ts";
import { findConditions, type FoundCondition } from "./conditions.ts";
import { plainText } from "./plain-text.ts";
import { structured } from "./render.ts";
import { namespaceFor, parseReference, shortName, withoutManagers } from "./resources.ts";
import { connectServer } from "./server.ts";
import type { SharedOptions } from "./shared-options.ts";
import { formatTable } from "./table.ts";
import { formatAge, WeftError } from "../kernel/index.ts";

export function command(cli: Cli): Command {
  return new Command("describe")
    .argument("<kind>", "such as service, httproute or svc/reviews; request for one that was refused")
    .argument("[name]", "of the resource; the id that a refused caller was told")
    .action(async (kindText: string, nameText: string | undefined, options: SharedOptions) => {
      if (isRequest(kindText)) {
        await describeRequest(cli, nameText, options);
        return;
      }
      const { kind, name } = parseReference(kindText, nameText);
      if (name === undefined)
        throw new WeftError("usage", `which ${kind}?`, { hint: `weft get ${kindText} lists them` });
      const client = await connectServer(cli, options);
      const object = await client.get(kind, {
        namespace: namespaceFor(kind, options) ?? options.namespace,
        name,
      });
      const text = structured(withoutManagers(object), options.output);
      if (text !== undefined) {
        cli.output.write(text);
        return;
      }
      const { metadata, kind: kindName, apiVersion, ...content } = object;
      cli.output.line(cli.output.styled("bold", shortName(object)));
      const facts: [string, string][] = [
        ["kind", `${kindName} (${apiVersion})`],
        ["namespace", metadata.namespace ?? ""],
        ["age", formatAge(Date.parse(metadata.creationTimestamp), Date.now())],
        ["generation", String(metadata.generation)],
        [
          "labels",
          Object.entries(metadata.labels ?? {})
            .map(([key, value]) => `${key}=${value}`)
            .join(" "),
        ],
      ];
      for (const [label, value] of facts)
        if (value !== "") cli.output.line(`${label.padEnd(12)} ${plainText(value)}`);
      writeConditions(cli, findConditions(content));
      writeContent(cli, content);
    });
}

function writeConditions(cli: Cli, conditions: readonly FoundCondition[]): void {
  if (conditions.length === 0) return;
  cli.output.line("");
  const rows = conditions.map(({ of, type, status, reason, message }) => [of, type, status, reason, message]);
  cli.output.write(
    formatTable(["OF", "CONDITION", "STATUS", "REASON", "MESSAGE"], rows, { width: cli.output.width }),
  );
}

function writeContent(cli: Cli, content: object): void {
  const text = stringify(content, { lineWidth: 0 });
  if (text.trim() !== "{}") cli.output.write(`\n${text.split("\n").map(plainText).join("\n")}`);
}
