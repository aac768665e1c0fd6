/** Takes one picture: `bun dashboard/testing/look.ts MESH PATH FILE [light|dark] [WIDTHxHEIGHT]`, for whoever changes the dashboard. */
import { dashboardFolder } from "../../src/cli/dashboard-folder.ts";
import { launch, openPage } from "./browser.ts";
import { FakeApi } from "./fake-api.ts";
import { hostileMesh, largeMesh, shopMesh } from "./fake-mesh.ts";

const [mesh = "shop", path = "/", file = "look.png", scheme = "light", size = "1440x900"] =
  process.argv.slice(2);
const meshes = { shop: shopMesh, large: largeMesh, hostile: hostileMesh };
const [width = 1440, height = 900] = size.split("x").map(Number);
const make = Object.entries(meshes).find(([name]) => name === mesh)?.[1] ?? shopMesh;
const api = new FakeApi({ mesh: make(), folder: await dashboardFolder() });
const browser = await launch();
const { page, problems } = await openPage(browser, api.url, {
  colorScheme: scheme === "dark" ? "dark" : "light",
  viewport: { width, height },
});
await page.goto(path);
await page.waitForLoadState("networkidle", { timeout: 3_000 }).catch(() => {});
await page.waitForTimeout(500);
await page.screenshot({ path: file });
console.log(problems.join("\n"));
await browser.close();
await api.stop();
