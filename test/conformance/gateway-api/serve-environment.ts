/** `weft serve` over a folder that becomes each scenario's objects in turn. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Served, runServe } from "../../e2e/harness/serve.ts";
import { TestDnsServer } from "../../../src/proxy/testing/dns-server.ts";
import { eventually } from "../../e2e/harness/eventually.ts";
import { yaml } from "../../e2e/harness/resources.ts";
import type { Place } from "./client.ts";
import {
  type Backends,
  baseObjects,
  dnsZone,
  type Environment,
  gatewayApi,
  gatewayNumber,
  sliceService,
} from "./environment.ts";
import type { RequestSpec } from "./scenario.ts";

/** So that there is always something to listen on. */
const idleGateway = {
  apiVersion: gatewayApi,
  kind: "Gateway",
  metadata: { name: "idle", namespace: "other" },
  spec: { gatewayClassName: "weft", listeners: [{ name: "http", port: 9999, protocol: "HTTP" }] },
};

export class ServeEnvironment implements Environment {
  readonly name = "serve";
  readonly names: Readonly<Record<string, string>>;
  readonly #folder = mkdtempSync(join(tmpdir(), "weft-conformance-"));
  readonly #network: string;
  readonly #backends: Backends;
  #resolver: TestDnsServer | undefined;
  #served: Served | undefined;

  constructor(backends: Backends) {
    this.#backends = backends;
    this.#network = `127.${130 + (process.pid % 60)}.${1 + Math.floor(Math.random() * 250)}`;
    this.names = { gateway1: this.#address(1), gateway2: this.#address(2) };
  }

  async become(objects: readonly unknown[]): Promise<void> {
    const { meshed } = this.#backends;
    const [first] = meshed;
    const all = [
      idleGateway,
      ...baseObjects(this.#backends),
      ...meshed.flatMap((backend) => sliceService(backend.name, [backend])),
      ...(first === undefined ? [] : sliceService("web", [first])),
      ...sliceService("all", meshed),
      ...objects.map(Object),
    ];
    const scratch = join(this.#folder, ".next");
    writeFileSync(scratch, yaml(...all));
    renameSync(scratch, join(this.#folder, "all.yaml"));
    if (this.#served === undefined) {
      this.#resolver = await TestDnsServer.start(dnsZone);
      const resolver = `127.0.0.1:${this.#resolver.port}`;
      const options = ["--gateway", this.#address(0), "--listen-only", "--dns", resolver];
      this.#served = await runServe(this.#folder, options);
      return;
    }
    const served = this.#served;
    const before = served.stderr.length;
    const said = await eventually(() => {
      const [line] =
        /^.*(?:configuration changed|cannot be used).*$/m.exec(served.stderr.slice(before)) ?? [];
      if (line === undefined) throw new Error("the files were not read yet");
      return line;
    });
    if (said.includes("cannot be used")) throw new Error(served.stderr.slice(before));
  }

  placeOf({ to, port }: RequestSpec): Place {
    const number = gatewayNumber(to);
    if (number === undefined) throw new Error(`${to}: only gateways are reached here`);
    return { address: this.#address(number), port };
  }

  status(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  logs(): string {
    return this.#served?.stderr.split("\n").slice(-30).join("\n") ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#served?.[Symbol.asyncDispose]();
    await this.#resolver?.[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #address(number: number): string {
    return `${this.#network}.${10 + number}`;
  }
}
