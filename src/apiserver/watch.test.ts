/** Watches over HTTP: what is there, each change after it, resumption, their end. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Answer, configMap, configMaps, service, services, TestApi, token } from "./testing.ts";

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start();
});
afterEach(() => api.close());

describe("watch", () => {
  async function* lines(query: string): AsyncGenerator<Answer["body"]> {
    const response = await fetch(`${api.server.url}${configMaps}?watch=1${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const parts = text.split("\n");
      text = parts.pop() ?? "";
      for (const part of parts) yield JSON.parse(part);
    }
  }

  test("tells what is there, then each change, of its own kind only", async () => {
    await api.call("POST", configMaps, configMap("one"));
    const seen: string[] = [];
    for await (const { type, object } of lines("")) {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === 1) {
        await api.call("POST", services, service("web"));
        await api.call("POST", configMaps, configMap("two"));
        await api.call("PUT", `${configMaps}/two`, configMap("two", { a: "1" }));
        await api.call("DELETE", `${configMaps}/two`);
      }
      if (seen.length === 4) break;
    }
    expect(seen).toEqual(["ADDED one", "ADDED two", "MODIFIED two", "DELETED two"]);
  });

  test("resumes after a version, and misses nothing", async () => {
    const first = await api.call("POST", configMaps, configMap("one"));
    await api.call("POST", configMaps, configMap("two"));
    for await (const { type, object } of lines(`&resourceVersion=${first.body.metadata.resourceVersion}`)) {
      expect(`${type} ${object.metadata.name}`).toBe("ADDED two");
      break;
    }
  });

  test("ends when the server stops", async () => {
    await api.call("POST", configMaps, configMap("one"));
    let stopped: Promise<void> | undefined;
    for await (const { type } of lines("")) {
      expect(type).toBe("ADDED");
      stopped = api.server.stop();
    }
    await stopped;
  });
});
