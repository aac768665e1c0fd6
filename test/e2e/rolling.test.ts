/**
 * No request is lost to a change: requests come at a fixed pace, through a gateway and through a pair of sidecars, while routes, policies and
 * endpoints change and every instance is restarted. Seconds as it stands; `WEFT_ROLLING_RATE=1000 WEFT_ROLLING_CHANGES=200
 * WEFT_ROLLING_SECONDS=60` is the long form, for a machine that has nothing else to do.
 */
import { expect, test } from "bun:test";
import { countOutcomes, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { nthChange } from "./harness/rolling-changes.ts";
import { RollingMesh, sum, total } from "./harness/rolling-mesh.ts";

const requestsPerSecond = Number(process.env["WEFT_ROLLING_RATE"] ?? 100);
const changes = Number(process.env["WEFT_ROLLING_CHANGES"] ?? 36);
const seconds = Number(process.env["WEFT_ROLLING_SECONDS"] ?? 6);
/** Requests that find a connection of the old process are tried once more: so many for each caller and restart at most. */
const maxRetriesOfRestart = 8;

test(
  "routes, policies and endpoints change and all instances are restarted under load: no request fails, and retries save few",
  async () => {
    await using mesh = await RollingMesh.start();
    const urls = [mesh.gatewayUrl, mesh.callerUrl];
    const before = await mesh.retries();
    const loads = urls.flatMap((url) => [
      OpenLoopLoad.start({ url, requestsPerSecond: requestsPerSecond / 4 }),
      OpenLoopLoad.start({
        url: `${url}slow?ms=20`,
        requestsPerSecond: requestsPerSecond / 4,
        body: "x".repeat(500),
      }),
    ]);
    const pace = new Pace(mesh, (seconds * 1_000) / changes);
    await pace.changeUntil((made) => made >= changes / 2);
    await mesh.untilCurrent();
    const ofChanges = await mesh.retries();
    let isRestarted = false;
    const restarting = mesh.restartAll().finally(() => {
      isRestarted = true;
    });
    const changing = pace.changeUntil((made) => made >= changes && isRestarted);
    // What fails last must not hide what failed first.
    const [changed, restarted] = await Promise.allSettled([changing, restarting]);
    if (changed.status === "rejected") throw changed.reason;
    if (restarted.status === "rejected") throw restarted.reason;
    await mesh.untilCurrent();
    const samples = (await Promise.all(loads.map((load) => load.stop()))).flat();
    const all = sum([await mesh.retries(), ...restarted.value]);
    expect({ outcomes: countOutcomes(samples), lines: mesh.failureLines.slice(0, 20) }).toEqual({
      outcomes: { "200": samples.length },
      lines: [],
    });
    expect(samples.length).toBeGreaterThan(requestsPerSecond * seconds * 0.9);
    // Nobody was saved by a second try while no process ended.
    expect(total(ofChanges) - total(before)).toBe(0);
    expect(total(all)).toBeLessThan(maxRetriesOfRestart);
  },
  60_000 + seconds * 10_000,
);

/** One change after another at a fixed pace, however long each takes. */
class Pace {
  readonly #mesh: RollingMesh;
  readonly #everyMs: number;
  readonly #startMs = performance.now();
  #made = 0;

  constructor(mesh: RollingMesh, everyMs: number) {
    this.#mesh = mesh;
    this.#everyMs = everyMs;
  }

  async changeUntil(isEnough: (made: number) => boolean): Promise<void> {
    while (!isEnough(this.#made)) {
      await this.#mesh.client.transact(nthChange(this.#made));
      this.#made++;
      await Bun.sleep(Math.max(0, this.#startMs + this.#made * this.#everyMs - performance.now()));
    }
  }
}
