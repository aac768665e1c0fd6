/** The local mesh's view of its control plane, on the real client: from inside a fabric through its doors, from the host through the relay. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "../client/index.ts";
import type { ControlDoors, SocketAddress } from "./fabric.ts";
import type { InstanceRecord } from "./instance.ts";
import type { MeshControl } from "./mesh-control.ts";

/** The token is read when it is first needed: the control plane writes it while it starts. */
export function controlClient({ api }: ControlDoors, dataDir: string): MeshControl {
  let client: ApiClient | undefined;
  const open = (): ApiClient => {
    const token = readFileSync(join(dataDir, "token"), "utf8").trim();
    client ??= new ApiClient(
      api.kind === "unix"
        ? { unixPath: api.unixPath, server: urlOf(api.hostAddress), token }
        : { server: urlOf(api), token },
    );
    return client;
  };
  return {
    async isReady() {
      try {
        return await open().isReady();
      } catch {
        // No token yet: it has not come so far.
        return false;
      }
    },
    apply: async (objects, message) => (await open().transact({ objects, message, author: "weft" })).revision,
    createJoinToken: (namespace, serviceAccount) => open().createJoinToken({ namespace, serviceAccount }),
    status: () => open().status(),
  };
}

/** For the outer process of `weft run`: as any other client of this machine. */
export function hostClient(record: InstanceRecord): ApiClient {
  return new ApiClient({ server: urlOf(record.api), token: readFileSync(record.tokenFile, "utf8").trim() });
}

function urlOf({ address, port }: SocketAddress): string {
  return `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
}
