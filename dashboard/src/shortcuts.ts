/** Keys that work everywhere but where somebody writes: one key, or `g` and then another within a second and a half. */
export const destinations = [
  { key: "o", path: "/", label: "Overview" },
  { key: "t", path: "/topology", label: "Topology" },
  { key: "s", path: "/services", label: "Services" },
  { key: "e", path: "/requests", label: "Requests" },
  { key: "w", path: "/explain", label: "Explain" },
  { key: "r", path: "/routes", label: "Routes" },
  { key: "p", path: "/policies", label: "Policies" },
  { key: "c", path: "/certificates", label: "Certificates" },
  { key: "x", path: "/proxies", label: "Proxies" },
  { key: "h", path: "/changes", label: "Changes" },
] as const;

export type Command =
  | { readonly type: "go"; readonly path: string }
  | { readonly type: "search" }
  | { readonly type: "help" }
  | { readonly type: "theme" };

const secondKeyWithinMs = 1_500;

/** Feed it every key that is pressed outside of a field. */
export class ShortcutReader {
  #leaderMs = Number.NEGATIVE_INFINITY;

  read(key: string, nowMs: number): Command | undefined {
    const isSecond = nowMs - this.#leaderMs <= secondKeyWithinMs;
    this.#leaderMs = Number.NEGATIVE_INFINITY;
    if (isSecond) {
      const found = destinations.find((each) => each.key === key);
      if (found !== undefined) return { type: "go", path: found.path };
    }
    switch (key) {
      case "g":
        this.#leaderMs = nowMs;
        return undefined;
      case "/":
        return { type: "search" };
      case "?":
        return { type: "help" };
      case "d":
        return { type: "theme" };
      default:
        return undefined;
    }
  }
}
