/** Puts small descriptors in the place of full ones while a program is built. */
import { fileURLToPath } from "node:url";
import type { DescFile } from "@bufbuild/protobuf";
import type { BunPlugin } from "bun";
import { isSupported, tableOf } from "./descriptor-table.ts";

const smallDescriptors = fileURLToPath(import.meta.resolve("./small-descriptors.ts"));

export const smallDescriptorsPlugin: BunPlugin = {
  name: "small descriptors",
  setup(build) {
    build.onLoad({ filter: /@bufbuild\/protobuf\/dist\/esm\/codegenv2\/file\.js$/ }, () => ({
      contents: `export { fileDesc } from ${JSON.stringify(smallDescriptors)};`,
      loader: "js",
    }));
    build.onLoad({ filter: /_pb\.js$/ }, async ({ path }) => {
      const text = await Bun.file(path).text();
      const descriptor = await descriptorIn(path, text);
      if (descriptor === undefined) return undefined;
      // A string of JSON inside the source: most of it is never parsed.
      const table = JSON.stringify(JSON.stringify(tableOf(descriptor)));
      return { contents: text.replace(fileCall, () => `fileDesc(${table}`), loader: "js" };
    });
  },
};

const fileCall = /fileDesc\("[^"]*"/;

async function descriptorIn(path: string, text: string): Promise<DescFile | undefined> {
  const name = /export const (file_\w+) =/.exec(text)?.[1];
  if (name === undefined || !fileCall.test(text)) return undefined;
  const generated: Readonly<Record<string, DescFile | undefined>> = await import(path);
  const descriptor = generated[name];
  // Of the package's own files those that are not proto3 describe descriptors themselves: no proxy loads them.
  return descriptor !== undefined && isSupported(descriptor) ? descriptor : undefined;
}
