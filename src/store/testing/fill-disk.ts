/** A child process for tests, on a small file system of its own: fills the disk, frees some of it, goes on, looks at what is there. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog, systemClock, WeftError } from "../../kernel/index.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { configMap } from "../store.contract.ts";

const directory = process.argv[2] ?? "";
const filler = join(directory, "filler");
writeFileSync(filler, Buffer.alloc(1_000_000));
const options = { path: join(directory, "store.sqlite"), clock: systemClock, log: silentLog };
const store = openSqliteStore(options);
let acknowledged = 0;

async function write(): Promise<WeftError | undefined> {
  const object = configMap(`c-${acknowledged}`, "x".repeat(20_000));
  try {
    await store.commit([{ type: "put", object }], { author: "child", message: "" });
    acknowledged++;
    return undefined;
  } catch (error) {
    if (error instanceof WeftError) return error;
    throw error;
  }
}

let refused: WeftError | undefined;
for (let i = 0; i < 500 && refused === undefined; i++) refused = await write();
const atFull = acknowledged;
rmSync(filler);
const afterwards = await write();
store.close();
const reopened = openSqliteStore(options);
process.stdout.write(
  JSON.stringify({
    code: refused?.code,
    failure: refused?.fields["failure"],
    wroteSome: atFull > 0,
    goesOn: afterwards === undefined,
    isComplete:
      reopened.revision === acknowledged &&
      reopened.list({ kind: "ConfigMap" }).items.length === acknowledged,
  }),
);
reopened.close();
