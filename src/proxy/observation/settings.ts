/** What is told of an exchange. Its code is loaded with the first configuration that says anything of it. */
import type { PreparedTelemetry } from "../../decide/telemetry/index.ts";
import type { Telemetry } from "../../model/index.ts";
import type { PreparedSettings } from "./prepared-settings.ts";

export class TelemetrySettings {
  #prepared: PreparedSettings | undefined = undefined;
  // Most requests of a proxy are under what the one before was.
  #base: Telemetry | undefined = undefined;
  #route: Telemetry | undefined = undefined;
  #last: PreparedTelemetry | undefined = undefined;

  /** `base`: of the workload or Gateway. Undefined: nobody said anything, the defaults hold. The same for the same two. */
  of(base: Telemetry | undefined, route: Telemetry | undefined): PreparedTelemetry | undefined {
    if (base === this.#base && route === this.#route) return this.#last;
    if (base === undefined && route === undefined) return undefined;
    this.#prepared ??= load();
    this.#last = this.#prepared.of(base, route);
    this.#base = base;
    this.#route = route;
    return this.#last;
  }
}

function load(): PreparedSettings {
  const loaded: { readonly PreparedSettings: new () => PreparedSettings } = require("./prepared-settings.ts");
  return new loaded.PreparedSettings();
}
