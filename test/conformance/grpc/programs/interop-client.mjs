// Calls the interoperability test service: `interop-client.mjs HOST:PORT CASE[,CASE…]`. One line for each case, `ok NAME` or
// `not ok NAME: why`; exits with 1 where one failed. `all` are those that any server passes, `gzip` those for a server that
// reads it.
import grpc from "@grpc/grpc-js";
import { cases, gzipCases } from "./interop-cases.mjs";
import { TestService } from "./service.mjs";

const [target = "", wanted = "all"] = process.argv.slice(2);
const caseTimeoutMs = 20_000;

const gzip = { "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip };

async function run(name, body, options) {
  const client = new TestService(target, grpc.credentials.createInsecure(), {
    // Every case has a connection of its own.
    "grpc.use_local_subchannel_pool": 1,
    ...options,
  });
  const late = setTimeout(() => {
    console.log(`not ok ${name}: no answer within ${caseTimeoutMs} ms`);
    process.exit(1);
  }, caseTimeoutMs);
  try {
    await body(client);
    console.log(`ok ${name}`);
    return true;
  } catch (error) {
    console.log(`not ok ${name}: ${String(error?.message ?? error).replaceAll("\n", " ")}`);
    return false;
  } finally {
    clearTimeout(late);
    client.close();
  }
}

let failed = 0;
const groups = { all: Object.keys(cases), gzip: Object.keys(gzipCases) };
for (const name of wanted.split(",").flatMap((word) => groups[word] ?? [word])) {
  const body = cases[name] ?? gzipCases[name];
  if (body === undefined) throw new Error(`no case is called ${name}`);
  if (!(await run(name, body, cases[name] === undefined ? gzip : {}))) failed++;
}
process.exit(failed === 0 ? 0 : 1);
