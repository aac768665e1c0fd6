/** What `weft up` proposes to try. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readyScreen } from "./ready-screen.ts";

function screen(...paths: readonly string[]): string {
  const input = {
    name: "default",
    objects: [],
    paths,
    env: {},
    api: { address: "127.0.0.1", port: 1 },
    gateway: { hostAddress: "127.0.0.1" },
    isolation: "loopback" as const,
    refused: [],
    limits: [],
    logsDir: "logs",
    silent: [],
    tokenFile: "token",
    revision: 1,
    workloads: 0,
  };
  return readyScreen(input).join("\n");
}

test("the dashboard is named with what lets one in", () => {
  expect(screen()).toContain("dashboard http://127.0.0.1:1/   sign in with the token in token\n");
});

test("changes to try lie in a folder beside the files; a file has none", () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-screen-"));
  writeFileSync(join(directory, "shop.yaml"), "");
  mkdirSync(join(directory, "moves"));
  writeFileSync(join(directory, "moves", "a.yaml"), "");
  expect(screen(directory)).toContain("moves/a.yaml");
  expect(screen(join(directory, "shop.yaml"))).not.toContain("moves");
  expect(screen(join(directory, "nowhere"))).not.toContain("moves");
  rmSync(directory, { recursive: true });
});
