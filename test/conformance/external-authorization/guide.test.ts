/** The guide as it stands: `weft serve` with its files, before an application, with OPA and with a service in HTTP. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runServe } from "../../e2e/harness/serve.ts";
import { TemporaryFolder } from "../../e2e/harness/weft.ts";
import { freePort } from "../free-port.ts";
import { application, serveHttp } from "./application.ts";
import { guideFile, regoPolicy } from "./guide-files.ts";
import { findOpaServer, startOpa } from "./opa-server.ts";

const opa = await findOpaServer();

class Door implements AsyncDisposable {
  readonly port: number;
  readonly #folder: TemporaryFolder;
  readonly #served: AsyncDisposable;

  private constructor(port: number, folder: TemporaryFolder, served: AsyncDisposable) {
    this.port = port;
    this.#folder = folder;
    this.#served = served;
  }

  static async open(files: (door: number) => readonly string[]): Promise<Door> {
    const folder = new TemporaryFolder();
    const door = freePort();
    for (const [i, text] of files(door).entries()) writeFileSync(join(folder.path, `${i}.yaml`), text);
    return new Door(door, folder, await runServe(folder.path, []));
  }

  async ask(
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; body: string; headers: Headers }> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { redirect: "manual", ...init });
    return { status: response.status, body: await response.text(), headers: response.headers };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#served[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

describe.skipIf("missing" in opa)("with OPA", () => {
  const program = "missing" in opa ? "" : opa.path;

  test("the route's filter asks about its requests", async () => {
    using web = await application();
    await using service = await startOpa(program, regoPolicy);
    await using door = await Door.open((port) => [
      guideFile(0, { door: port, web: web.port, service: service.port }),
    ]);
    expect((await door.ask("/", { headers: { "x-role": "admin" } })).body).toBe("web");
    expect(web.seen[0]?.["x-role"]).toBe("reader");
    const denied = await door.ask("/", { method: "DELETE" });
    expect([denied.status, denied.body]).toEqual([403, "not for you\n"]);
    const headers = { authorization: "Bearer letmein" };
    expect((await door.ask("/", { method: "DELETE", headers })).status).toBe(200);
    expect(web.seen[1]).toMatchObject({ "x-role": "writer" });
    expect(web.seen[1]?.authorization).toBeUndefined();
    expect((await door.ask("/admin")).status).toBe(403);
    expect(web.seen.length).toBe(2);
  });

  test("a policy asks about what its rules match at the Gateway", async () => {
    using web = await application();
    await using service = await startOpa(program, regoPolicy);
    await using door = await Door.open((port) => {
      const ports = { door: port, web: web.port, service: service.port };
      const withoutFilter = guideFile(0, ports).replace(
        / {4}- filters:[\s\S]*?( {6}backendRefs)/,
        "    -\n$1",
      );
      return [withoutFilter, guideFile(1, ports)];
    });
    expect((await door.ask("/", { method: "DELETE" })).status).toBe(200);
    expect((await door.ask("/admin/users")).status).toBe(403);
    expect((await door.ask("//x/../admin/users")).status).toBe(403);
    expect((await door.ask("/%61dmin")).status).toBe(403);
    expect(web.seen.length).toBe(1);
  });
});

test("with a service in HTTP", async () => {
  using web = await application();
  const asked: string[] = [];
  using service = await serveHttp((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.cookie ?? ""}`);
    if (request.headers.authorization === "Bearer letmein") {
      response.setHeader("x-user", "ann");
      response.setHeader("x-secret", "1");
      response.end();
    } else {
      response.writeHead(302, { location: "https://login.example/" }).end();
    }
  });
  await using door = await Door.open((port) => {
    const ports = { door: port, web: web.port, service: service.port };
    const [, ...others] = guideFile(0, ports)
      .replace("appProtocol: grpc", "appProtocol: http")
      .split("---\n");
    return [others.join("---\n"), guideFile(2, ports)];
  });
  const sent = await door.ask("/a?b=1");
  expect([sent.status, sent.headers.get("location")]).toEqual([302, "https://login.example/"]);
  const headers = { authorization: "Bearer letmein", "x-user": "mallory", "x-secret": "0", cookie: "c=1" };
  expect((await door.ask("/a?b=1", { headers })).status).toBe(200);
  expect(web.seen).toMatchObject([{ "x-user": "ann", "x-secret": "0" }]);
  expect(asked).toEqual(["GET /check/a?b=1 ", "GET /check/a?b=1 c=1"]);
});
