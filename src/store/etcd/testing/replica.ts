/** A store over etcd as a control plane has it, with everything that it needs, for tests. */
import { type Clock, type Log, silentLog, systemClock } from "../../../kernel/index.ts";
import { EtcdClient } from "../etcd-client.ts";
import { type EtcdStoreOptions, openEtcdStore, type SharedStore } from "../etcd-store.ts";
import { Layout } from "../layout.ts";
import { sealOf } from "../seal.ts";
import { Session } from "../session.ts";
import { parseEtcdAddress } from "../url.ts";

export interface TestReplica extends AsyncDisposable {
  readonly store: SharedStore;
  readonly client: EtcdClient;
  readonly session: Session;
  readonly parts: EtcdStoreOptions;
}

export interface TestReplicaOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  readonly replica?: string;
  readonly retainedEvents?: number;
  readonly retainedRevisions?: number;
  readonly ttlSeconds?: number;
  readonly callTimeoutMs?: number;
}

const secret = Buffer.from("a secret of the tests, long enough to be one");

/** `url`: with the mesh's name. */
export async function openReplica(url: string, options: TestReplicaOptions = {}): Promise<TestReplica> {
  const { clock = systemClock, log = silentLog, replica = "r1" } = options;
  const address = parseEtcdAddress(url);
  const client = new EtcdClient({
    address,
    clock,
    log,
    ...(options.callTimeoutMs === undefined ? {} : { callTimeoutMs: options.callTimeoutMs }),
  });
  const session = new Session({
    client,
    ...(options.ttlSeconds === undefined ? {} : { ttlSeconds: options.ttlSeconds }),
  });
  await session.open();
  const parts: EtcdStoreOptions = {
    ...{ client, session, replica, clock, log },
    layout: new Layout(address.mesh),
    seal: sealOf(secret),
    ...(options.retainedEvents === undefined ? {} : { retainedEvents: options.retainedEvents }),
    ...(options.retainedRevisions === undefined ? {} : { retainedRevisions: options.retainedRevisions }),
  };
  const store = await openEtcdStore(parts);
  return {
    ...{ store, client, session, parts },
    async [Symbol.asyncDispose]() {
      store.close();
      await session.close();
      client.close();
    },
  };
}
