/** What the guide to external authorization shows, with the ports of this run in the place of its own. */
import { join } from "node:path";

const guide = await Bun.file(join(import.meta.dir, "../../../docs/guides/external-authorization.md")).text();

export interface GuidePorts {
  readonly door: number;
  readonly web: number;
  readonly service: number;
}

export const regoPolicy = blocks("rego")[0] ?? "";

/** `files`: the guide's blocks by their place; a later one takes the place of what it names again. */
export function guideFile(index: number, ports: GuidePorts): string {
  const block = blocks("yaml")[index];
  if (block === undefined) throw new Error(`the guide has no file ${index}`);
  return block
    .replace("port: 8080", `port: ${ports.door}`)
    .replace("ports: [{ port: 9001 }]", `ports: [{ port: ${ports.web} }]`)
    .replace("ports: [{ port: 9191 }]", `ports: [{ port: ${ports.service} }]`);
}

function blocks(language: string): string[] {
  return [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, text = ""]) => text,
  );
}
