/** `weft serve` before each application, on a plaintext listener: the way in from outside of a mesh. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runServe, type Served } from "../../e2e/harness/serve.ts";
import { TemporaryFolder } from "../../e2e/harness/weft.ts";
import { freePort } from "../free-port.ts";
import { gatewayFiles } from "../gateway-files.ts";

export class Gateways implements AsyncDisposable {
  readonly #folder = new TemporaryFolder();
  readonly #served: Served[] = [];

  /** Returns the listener's port on 127.0.0.1. */
  async start(name: string, applicationPort: number): Promise<number> {
    const files = join(this.#folder.path, name);
    mkdirSync(files);
    const ports = { plain: freePort(), tls: freePort() };
    const backend = { name, path: "/", appProtocol: "grpc", port: applicationPort };
    writeFileSync(join(files, "gateway.yaml"), gatewayFiles(ports, [backend]));
    this.#served.push(await runServe(files, ["--listen-only"]));
    return ports.plain;
  }

  logs(): string {
    return this.#served.map((served) => served.stderr).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const served of this.#served) await served[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}
