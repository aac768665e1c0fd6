/** Serves the dashboard on a fake mesh until it is ended: `bun dashboard/testing/serve.ts [shop|large|hostile] [PORT]`. */
import { dashboardFolder } from "../../src/cli/dashboard-folder.ts";
import { FakeApi, fakeToken } from "./fake-api.ts";
import { hostileMesh, largeMesh, shopMesh } from "./fake-mesh.ts";

const meshes = { shop: shopMesh, large: largeMesh, hostile: hostileMesh } as const;
const [name = "shop", port = "15081"] = process.argv.slice(2);
if (name !== "shop" && name !== "large" && name !== "hostile") {
  console.error("usage: bun dashboard/testing/serve.ts [shop|large|hostile] [PORT]");
  process.exit(64);
}
const api = new FakeApi({ mesh: meshes[name](), folder: await dashboardFolder(), port: Number(port) });
console.log(`${api.url}  token: ${fakeToken}`);
