import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fillTemplate } from "./template.ts";

const peers = join(import.meta.dir, "peers");
const templates = readdirSync(peers, { recursive: true, encoding: "utf8" }).filter((file) =>
  /\.(conf|cfg|yaml)$/.test(file),
);

test("there are templates", () => {
  expect(templates.length).toBeGreaterThan(15);
});

for (const file of templates) {
  test(`${file} says in its first line what it is, and wants values`, async () => {
    expect(await Bun.file(join(peers, file)).text()).toStartWith("# ");
    expect(() => fillTemplate(file, {})).toThrow(`${file} wants <`);
  });
}

test("puts values where their names are", () => {
  const values = { upstreamPort: 8080, listenPort: 9090, maxConnections: 100 };
  expect(fillTemplate("haproxy/tcp.cfg", values)).toContain("bind 127.0.0.1:9090");
});
