/** Settings as they are asked, made once for each pair of what a proxy and a route say, and kept as long as both are. */
import { type PreparedTelemetry, prepareTelemetry } from "../../decide/telemetry/index.ts";
import type { Telemetry } from "../../model/index.ts";

/** In the place of what is not there, as a key. */
const nobody: object = {};

export class PreparedSettings {
  readonly #byBase = new WeakMap<object, WeakMap<object, PreparedTelemetry>>();

  of(base: Telemetry | undefined, route: Telemetry | undefined): PreparedTelemetry {
    const byRoute = this.#byRoute(base ?? nobody);
    const key = route ?? nobody;
    const known = byRoute.get(key);
    if (known !== undefined) return known;
    const prepared = prepareTelemetry(base, route);
    byRoute.set(key, prepared);
    return prepared;
  }

  #byRoute(base: object): WeakMap<object, PreparedTelemetry> {
    const known = this.#byBase.get(base);
    if (known !== undefined) return known;
    const byRoute = new WeakMap<object, PreparedTelemetry>();
    this.#byBase.set(base, byRoute);
    return byRoute;
  }
}
