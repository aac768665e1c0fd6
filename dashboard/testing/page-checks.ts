/** What tests ask of any page: that it is there and has its data, and what axe finds on it. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";

const axeSource = readFileSync(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** The page's policy lets no script of elsewhere in; the debugger's door does. */
export async function violationsOf(page: Page, scheme: "light" | "dark"): Promise<string[]> {
  if (await page.evaluate("window.axe === undefined")) await page.evaluate(axeSource);
  // In the dark the same page has other colours, and nothing else is different.
  const only = scheme === "dark" ? ', runOnly: ["color-contrast", "link-in-text-block"]' : "";
  const found: unknown = await page.evaluate(`(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"]${only} });
    return violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ target, failureSummary }) => id + " " + target.join(" ") + " " + failureSummary));
  })()`);
  return Array.isArray(found) ? found.map(String) : ["axe did not run"];
}

/** As a link of the page does. */
export async function go(page: Page, path: string): Promise<void> {
  await page.evaluate(
    `history.pushState(null, "", ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent("popstate"))`,
  );
}

export async function settled(page: Page, heading: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  await page.locator(".waiting, .waiting-map").first().waitFor({ state: "detached" });
}
