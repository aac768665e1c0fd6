/** `npm run conformance -- grpc`: grpc-go's and grpc-js's clients against each other's servers through sidecars and gateways. */
import { findGrpcGo } from "./grpc-go.ts";
import { grpcGo, grpcJs } from "./interop-peers.ts";
import { runInterop } from "./interop-suite.ts";

/** Prints each case and a sum. False: one failed, or there was nothing to run with. */
export async function runGrpc(): Promise<boolean> {
  const tools = await findGrpcGo();
  if (typeof tools === "string") {
    console.error(tools);
    return false;
  }
  let [passed, failed] = [0, 0];
  let heading = "";
  for await (const { client, server, way, name, problem } of runInterop([grpcGo(tools), grpcJs])) {
    const leg = `${client} client -> ${way} -> ${server} server`;
    if (leg !== heading) console.log(`\n${leg}`);
    heading = leg;
    console.log(problem === undefined ? `  ok    ${name}` : `  FAIL  ${name}: ${problem}`);
    if (problem === undefined) passed++;
    else failed++;
  }
  console.log(`\ngrpc: ${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0;
}
