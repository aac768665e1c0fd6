/** How large nodes are drawn, in the units of the layout. */
import type { ViewNode } from "./view-graph.ts";

export function nodeSize(kind: ViewNode["kind"]): { readonly width: number; readonly height: number } {
  return kind === "group" ? { width: 196, height: 66 } : { width: 188, height: 54 };
}

/** As many letters as a node of this kind has room for. */
export function fitLabel(label: string, kind: ViewNode["kind"]): string {
  const most = kind === "group" ? 19 : 18;
  const letters = Array.from(label);
  return letters.length <= most ? label : `${letters.slice(0, most - 1).join("")}…`;
}

const mostDetail = 25;

/** What there is to say, as long as there is room for it. */
export function fitDetail(parts: readonly string[]): string {
  let text = "";
  for (const part of parts) {
    const longer = text === "" ? part : `${text} · ${part}`;
    if (part !== "" && Array.from(longer).length <= mostDetail) text = longer;
  }
  return text;
}
