/** Endpoints of which the first is slow or fails: each at an address of its own, 127.0.0.11 and following, all at one port. */
import { settings } from "./settings.ts";

const setting = settings();
const serviceMs = setting("serviceMs");

for (let index = 0; index < setting("count"); index++) {
  const isFirst = index === 0;
  const delayMs = serviceMs * (isFirst ? setting("slowFactor") : 1);
  const failing = isFirst ? setting("failing") : 0;
  const hostname = `127.0.0.${11 + index}`;
  Bun.serve({
    hostname,
    port: setting("port"),
    async fetch() {
      const isFailure = Math.random() < failing;
      const spread = Math.random() < 0.5 ? 1 : 1 + Math.random();
      await Bun.sleep((isFailure ? delayMs / 10 : delayMs) * spread);
      return new Response(hostname, { status: isFailure ? 500 : 200 });
    },
  });
}
