/** Debian's Chromium with a page of the dashboard in it, signed in, and what went wrong there: errors, and requests to elsewhere. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { fakeToken } from "./fake-api.ts";

const executable = process.env["WEFT_CHROMIUM"] ?? "/usr/bin/chromium";
export const hasChromium = existsSync(executable);

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: executable,
    // Chromium's own sandbox does not work for root; it sees our own pages alone.
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--js-flags=--expose-gc"],
  });
}

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors of the console and of scripts, requests that failed or went to elsewhere. */
  readonly problems: readonly string[];
}

export interface PageOptions extends BrowserContextOptions {
  /** With the fake API's session, which is the default. */
  readonly isSignedIn?: boolean;
}

export async function openPage(
  browser: Browser,
  url: string,
  { isSignedIn = true, ...options }: PageOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 1440, height: 900 },
    ...options,
  });
  if (isSignedIn) await context.addCookies([{ name: "weft-session", value: "fake", url }]);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== url && protocol !== "data:" && protocol !== "blob:")
      problems.push(`asked ${request.url()}`);
  });
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText ?? "";
    // What the page itself gave up, such as a tap that it stops.
    if (why !== "net::ERR_ABORTED") problems.push(`${request.url()} ${why}`);
  });
  return { page, problems, [Symbol.asyncDispose]: () => context.close() };
}

export async function signIn(page: Page, token = fakeToken): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}
