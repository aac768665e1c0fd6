/** What the browser tests share: the dashboard built once, fake control planes of each mesh, one Chromium. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { launch } from "../testing/browser.ts";
import { FakeApi } from "../testing/fake-api.ts";
import { type FakeMesh, hostileMesh, largeMesh, shopMesh } from "../testing/fake-mesh.ts";

const buildScript = join(import.meta.dir, "../../scripts/build-dashboard.mjs");

export class Scene implements AsyncDisposable {
  readonly browser: Browser;
  readonly folder: string;
  readonly #temporary: string;
  readonly #apis: FakeApi[] = [];

  private constructor(browser: Browser, temporary: string) {
    this.browser = browser;
    this.#temporary = temporary;
    this.folder = join(temporary, "dashboard");
  }

  static async open(): Promise<Scene> {
    const temporary = mkdtempSync(join(tmpdir(), "weft-dashboard-"));
    const scene = new Scene(await launch(), temporary);
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, buildScript, scene.folder]);
    if (exitCode !== 0) throw new Error(stderr.toString());
    return scene;
  }

  /** `nowMs`: of its documents. */
  shop(nowMs?: () => number): FakeApi {
    return this.#serve(shopMesh(), nowMs);
  }

  large(): FakeApi {
    return this.#serve(largeMesh());
  }

  hostile(): FakeApi {
    return this.#serve(hostileMesh());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    for (const api of this.#apis) await api.stop();
    rmSync(this.#temporary, { recursive: true, force: true });
  }

  #serve(mesh: FakeMesh, nowMs: () => number = Date.now): FakeApi {
    const api = new FakeApi({ mesh, folder: this.folder, nowMs });
    this.#apis.push(api);
    return api;
  }
}

/** Path and heading of every page, on the shop. */
export const pages = [
  ["/", "Overview"],
  ["/topology", "Topology"],
  ["/services", "Services"],
  ["/services/payments/checkout", "checkout"],
  ["/requests", "Requests"],
  ["/requests/0198f3c2-77aa-7000-8000-000000000003", "GET /cart/items"],
  ["/explain", "Explain"],
  ["/explain?from=web%2Fstorefront&url=http%3A%2F%2Freviews%2F", "Explain"],
  ["/routes", "Routes"],
  ["/routes/HTTPRoute/shop/reviews", "reviews"],
  ["/policies", "Policies"],
  ["/certificates", "Certificates"],
  ["/proxies", "Proxies"],
  ["/changes", "Changes"],
] as const;
