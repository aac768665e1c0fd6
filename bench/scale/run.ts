/** `npm run bench:scale`: what a control plane costs and how fast it is with up to 10,000 proxies. See docs/performance.md. */
import { parseArgs } from "node:util";
import { Bench } from "../processes.ts";
import { measureSize } from "./measure-size.ts";

const { values } = parseArgs({
  options: {
    proxies: { type: "string", default: "1000" },
    json: { type: "string" },
  },
});
await using bench = Bench.open();
console.log(JSON.stringify(await measureSize(bench, { proxies: Number(values.proxies) }), undefined, 1));
