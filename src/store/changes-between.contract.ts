/** What every store must answer about what differs between two revisions; a part of the store's contract. */
import { expect, test } from "bun:test";
import { type ApiObject, keyOf, parseObject } from "../api/index.ts";
import { spanOf } from "./spans.ts";
import type { Store } from "./store.ts";

const meta = { author: "ann", message: "test" };

function object(name: string, value: string): ApiObject {
  const parsed = parseObject(
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value } },
    "write",
  );
  if ("object" in parsed) return parsed.object;
  throw new Error(JSON.stringify(parsed.issues));
}

export function changesBetweenContract(start: () => Store | Promise<Store>): void {
  test("tells what differs between two revisions, each object once, and nothing of what came back", async () => {
    const store = await start();
    const put = async (...pairs: readonly (readonly [string, string])[]): Promise<void> => {
      const writes = pairs.map(([name, value]) => ({ type: "put", object: object(name, value) }) as const);
      await store.commit(writes, meta);
    };
    const remove = (name: string) => store.commit([{ type: "delete", key: keyOf(object(name, "")) }], meta);
    await put(["b", "1"], ["a", "1"], ["same", "1"]); // 1
    await put(["a", "2"], ["same", "2"]); // 2
    await put(["a", "3"], ["passing", "1"]); // 3
    await put(["same", "1"], ["new", "1"]); // 4
    await remove("passing"); // 5
    await remove("b"); // 6
    await store.writeOperational([{ type: "put", object: object("operational", "1") }]);
    const between = async (from: number, to: number): Promise<string[]> => {
      const changes = await store.changesBetween(from, to);
      if (changes === "gone") return [changes];
      const value = (object: ApiObject | undefined): string =>
        object?.kind === "ConfigMap" ? (object.data?.["value"] ?? "") : "-";
      return changes.map(({ key, before, after }) => `${key.name} ${value(before)} ${value(after)}`);
    };
    expect(await between(1, 6)).toEqual(["a 1 3", "b 1 -", "new - 1"]);
    expect(await between(1, 4)).toEqual(["a 1 3", "new - 1", "passing - 1"]);
    expect(await between(2, 3)).toEqual(["a 2 3", "passing - 1"]);
    expect(await between(0, 1)).toEqual(["a - 1", "b - 1", "same - 1"]);
    expect(await between(6, 6)).toEqual([]);
    const commits = (await store.history(10)).toReversed();
    expect(await store.changesBetween(1, 6)).toEqual(
      spanOf(commits.slice(1).flatMap(({ changes }) => changes)),
    );
  });
}
