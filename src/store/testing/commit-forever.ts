/** A child process for tests: commits without end and prints the number of each commit once it is acknowledged. */
import { silentLog, systemClock } from "../../kernel/index.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { configMap } from "../store.contract.ts";

const path = process.argv[2];
if (path === undefined) throw new Error("usage: commit-forever FILE");
const store = openSqliteStore({ path, clock: systemClock, log: silentLog });
for (let i = store.revision + 1; ; i++) {
  const objects = [configMap(`a-${i}`, "x".repeat(2000)), configMap("last", String(i))];
  await store.commit(
    objects.map((object) => ({ type: "put", object }) as const),
    { author: "child", message: "" },
  );
  process.stdout.write(`${i}\n`);
}
