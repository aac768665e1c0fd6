/** Colours of charts come from the style sheet, so that charts change with the theme. */
export type LineTone = "main" | "soft" | "faint" | "bad" | "note" | "a" | "b" | "c" | "d" | "e" | "f";

export const versionTones: readonly LineTone[] = ["a", "b", "c", "d", "e", "f"];
/** Lines that differ by colour alone would be one line to some. */
export const dashes: Readonly<Partial<Record<LineTone, number[]>>> = {
  b: [7, 3],
  c: [2, 3],
  d: [9, 3, 2, 3],
  e: [4, 2],
  f: [12, 4],
  soft: [5, 3],
  faint: [2, 3],
};

export interface ChartColours {
  readonly axis: string;
  readonly grid: string;
  readonly mark: string;
  readonly tone: (tone: LineTone) => string;
}

export function readColours(element: Element): ChartColours {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    axis: read("--ink-quiet"),
    grid: read("--line"),
    mark: read("--mark"),
    tone: (tone) => read(`--chart-${tone}`),
  };
}

/** Tells when the theme changes, by the switch or by the system. Returns what ends it. */
export function onThemeChange(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", listener);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", listener);
  };
}
