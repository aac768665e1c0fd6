/** Takes the pictures of docs/dashboard: `bun dashboard/testing/pictures.ts FOLDER`. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { dashboardFolder } from "../../src/cli/dashboard-folder.ts";
import { launch, openPage } from "./browser.ts";
import { FakeApi } from "./fake-api.ts";
import { largeMesh, shopMesh } from "./fake-mesh.ts";

const [into = "docs/dashboard"] = process.argv.slice(2);
const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 780 };
const pictures = [
  { name: "overview-light", mesh: "shop", path: "/", scheme: "light", viewport: desktop },
  { name: "topology-light", mesh: "shop", path: "/topology", scheme: "light", viewport: desktop },
  {
    name: "service-dark",
    mesh: "shop",
    path: "/services/payments/checkout",
    scheme: "dark",
    viewport: { width: 1280, height: 1500 },
  },
  {
    name: "request-light",
    mesh: "shop",
    path: "/requests/0198f3c2-77aa-7000-8000-000000000003",
    scheme: "light",
    viewport: desktop,
  },
  {
    name: "explain-light",
    mesh: "shop",
    path: "/explain?from=web%2Fstorefront&url=http%3A%2F%2Freviews%2F",
    scheme: "light",
    viewport: { width: 1280, height: 1000 },
  },
  { name: "overview-300-dark", mesh: "large", path: "/", scheme: "dark", viewport: desktop },
  { name: "topology-300-light", mesh: "large", path: "/topology", scheme: "light", viewport: desktop },
  {
    name: "neighbours-300-dark",
    mesh: "large",
    path: "/topology?focus=web%2Fapi",
    scheme: "dark",
    viewport: desktop,
  },
  { name: "overview-phone", mesh: "shop", path: "/", scheme: "light", viewport: phone },
  { name: "topology-phone-dark", mesh: "shop", path: "/topology", scheme: "dark", viewport: phone },
] as const;

mkdirSync(into, { recursive: true });
const folder = await dashboardFolder();
const apis = {
  shop: new FakeApi({ mesh: shopMesh(), folder }),
  large: new FakeApi({ mesh: largeMesh(), folder }),
};
const browser = await launch();
for (const { name, mesh, path, scheme, viewport } of pictures) {
  await using opened = await openPage(browser, apis[mesh].url, {
    colorScheme: scheme,
    viewport,
    reducedMotion: "reduce",
  });
  const { page } = opened;
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.locator(".waiting, .waiting-map").first().waitFor({ state: "detached" });
  await page.evaluate("new Promise((resolve) => setTimeout(resolve, 400))");
  await page.screenshot({ path: join(into, `${name}.png`) });
}
await browser.close();
await apis.shop.stop();
await apis.large.stop();
