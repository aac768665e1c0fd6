/** Everything that crosses a mesh's bridge, frame by frame, as tcpdump sees it from inside the fabric's namespace. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Running, spawnProcess } from "./child-process.ts";
import { eventually } from "./eventually.ts";
import { insideFabric } from "./inside-fabric.ts";
import { root, type TestMesh } from "./mesh.ts";

const startTimeoutMs = 10_000;
const stopTimeoutMs = 10_000;

export class WireCapture implements AsyncDisposable {
  readonly #tcpdump: Running;
  readonly #file: string;

  private constructor(tcpdump: Running, file: string) {
    this.#tcpdump = tcpdump;
    this.#file = file;
  }

  static async start(mesh: TestMesh): Promise<WireCapture> {
    const file = join(mesh.folder, "data", "wire.pcap");
    // Every frame whole and written at once, by the user that we are.
    const options = ["-i", "any", "-s", "0", "-U", "--immediate-mode", "-Z", "root", "-w", file];
    const argv = [...insideFabric(mesh), "tcpdump", ...options];
    const tcpdump = spawnProcess(argv, {
      env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` },
      cwd: root,
    });
    await tcpdump.untilLine("stderr", startTimeoutMs, (line) => line.includes("listening on") || undefined);
    return new WireCapture(tcpdump, file);
  }

  /** Waits until `text` has crossed the wire in the clear: then all that was sent before it is in the file too. */
  async untilSeen(text: string): Promise<void> {
    await eventually(() => {
      if (!this.bytes().includes(text)) throw new Error(`${text} was not seen on the wire`);
    });
  }

  bytes(): Buffer {
    return readFileSync(this.#file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tcpdump.kill("SIGTERM");
    await this.#tcpdump.within(stopTimeoutMs);
  }
}
