/** `weft get KIND [NAME]`: resources as tables, JSON, YAML or names. */
import { Command } from "commander";
import { kinds } from "../api/index.ts";
import type { Cli } from "./cli.ts";
import { structured } from "./render.ts";
import { formatList, type ListLayout, namespaceFor, parseReference, withoutManagers } from "./resources.ts";
import { connectServer } from "./server.ts";
import type { SharedOptions } from "./shared-options.ts";

interface Options extends SharedOptions {
  readonly selector?: string;
}

export function command(cli: Cli): Command {
  return new Command("get")
    .argument("<kind>", "such as service, httproute or svc/reviews")
    .argument("[name]")
    .option("-l, --selector <labels>", "only those with these labels, such as app=reviews,version!=v1")
    .action(async (kindText: string, nameText: string | undefined, options: Options) => {
      const { kind, name } = parseReference(kindText, nameText);
      const client = await connectServer(cli, options);
      const namespace = namespaceFor(kind, options);
      const layout: ListLayout = {
        kind,
        format: options.output,
        withNamespace: kinds[kind].namespaced && options.allNamespaces === true,
        width: cli.output.width,
        nowMs: Date.now(),
      };
      if (name !== undefined) {
        const object = await client.get(kind, { namespace: namespace ?? options.namespace, name });
        cli.output.write(structured(withoutManagers(object), options.output) ?? formatList([object], layout));
        return;
      }
      const { items } = await client.list(kind, {
        ...(namespace === undefined || namespace === "" ? {} : { namespace }),
        ...(options.selector === undefined ? {} : { labelSelector: options.selector }),
      });
      if (items.length === 0 && ["table", "wide"].includes(options.output)) {
        const where = namespace === undefined || namespace === "" ? "" : ` in namespace ${namespace}`;
        cli.output.note(`no ${kinds[kind].plural}${where}`);
        return;
      }
      cli.output.write(formatList(items.map(withoutManagers), layout));
    });
}
