/** `npm run conformance -- NAME… [--live]`: suites that are too long or need too many tools for `npm test`. */
import { runAuthorization } from "./authorization/run-authorization.ts";
import { runGatewayApi } from "./gateway-api/run-gateway-api.ts";
import { runGrpc } from "./grpc/run-interop.ts";
import { runHttp2 } from "./http2/run-h2spec.ts";
import { runMatching } from "./matching/run-matching.ts";
import { runSimulation } from "./simulation/run-simulation.ts";
import { runTelemetry } from "./telemetry/run-telemetry.ts";

/** Of the simulation: through a running mesh too. */
const isLive = process.argv.includes("--live");

const suites: Readonly<Record<string, () => Promise<boolean>>> = {
  authorization: runAuthorization,
  "gateway-api": runGatewayApi,
  grpc: runGrpc,
  h2spec: runHttp2,
  matching: runMatching,
  simulation: () => runSimulation(isLive),
  telemetry: runTelemetry,
};

const wanted = process.argv.slice(2).filter((name) => name !== "--live");
const unknown = wanted.filter((name) => !Object.hasOwn(suites, name));
if (unknown.length > 0 || wanted.length === 0) {
  console.error(`usage: npm run conformance -- SUITE…; suites: ${Object.keys(suites).join(", ")}`);
  process.exit(64);
}
let isGood = true;
for (const name of wanted) isGood = (await suites[name]?.()) === true && isGood;
process.exit(isGood ? 0 : 1);
