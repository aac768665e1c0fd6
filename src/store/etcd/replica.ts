/** Everything that one control plane has of etcd: the store, its lease, who leads, shared values, the keeping of order. */
import { type Clock, type Log, WeftError } from "../../kernel/index.ts";
import type { Store } from "../store.ts";
import { Election } from "./election.ts";
import { EtcdClient } from "./etcd-client.ts";
import { openEtcdStore, type SharedStore } from "./etcd-store.ts";
import { Keeper } from "./keeper.ts";
import { Layout } from "./layout.ts";
import { Mirror } from "./mirror.ts";
import { readStoreKey, sealOf } from "./seal.ts";
import { Session } from "./session.ts";
import { SharedValues } from "./shared-values.ts";
import { parseEtcdAddress } from "./url.ts";

export interface EtcdReplicaOptions {
  /** `etcd://…` */
  readonly url: string;
  /** Opens what etcd holds. */
  readonly keyFile: string;
  /** Names this replica over restarts. */
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Default 5: so long after a replica's death the others know. */
  readonly leaseSeconds?: number;
}

export interface EtcdReplica {
  readonly name: string;
  readonly store: SharedStore;
  /** The same; its writes are refused with `conflict` while this replica does not lead. */
  readonly leading: Store;
  readonly election: Election;
  readonly session: Session;
  readonly values: SharedValues;
  close(): Promise<void>;
}

/** An end is not held up for longer by an etcd that is away. */
const closeMs = 1_000;
const checkName = "key-check";
const checkValue = "weft";

/** Throws `unavailable` where etcd does not answer, `bad_input` for an address or a key that is none, `io` for another key. */
export async function openEtcdReplica(options: EtcdReplicaOptions): Promise<EtcdReplica> {
  const { clock, log, replica } = options;
  const address = parseEtcdAddress(options.url);
  const seal = sealOf(readStoreKey(options.keyFile));
  const client = new EtcdClient({ address, clock, log });
  const opened: (() => Promise<void> | void)[] = [() => client.close()];
  const close = async (): Promise<void> => {
    for (const each of opened.splice(0).toReversed()) await each();
  };
  try {
    const layout = new Layout(address.mesh);
    const parts = { client, layout, seal };
    const session = new Session({
      client,
      ...(options.leaseSeconds === undefined ? {} : { ttlSeconds: options.leaseSeconds }),
    });
    await session.open();
    opened.push(() => session.close());
    const mirror = await Mirror.open(client, layout.shared(""));
    opened.push(() => mirror.close());
    const values = new SharedValues(parts, mirror, session);
    // Throws for another key, before anything is written with it.
    if ((await values.read(checkName)) === undefined) {
      await values.replace(checkName, Buffer.from(checkValue), 0n);
      await values.read(checkName);
    }
    const store = await openEtcdStore({ ...parts, ...{ session, replica, clock, log } });
    opened.push(async () => {
      const late = new Promise<void>((resolve) => void clock.after(closeMs, resolve));
      await Promise.race([store.idle(), late]);
      store.close();
    });
    const election = new Election({
      ...{ client, session, mirror, replica },
      name: "leader",
      key: layout.shared("leader"),
    });
    opened.push(() => election.close());
    const keeper = new Keeper({ ...parts, store, fence: () => election.fence });
    opened.push(() => keeper.close());
    return {
      name: replica,
      store,
      leading: store.fenced(() => election.fence),
      election,
      session,
      values,
      close,
    };
  } catch (error) {
    await close();
    if (!(error instanceof WeftError) || (error.code !== "unavailable" && error.code !== "timeout"))
      throw error;
    const where = address.endpoints.map((each) => `${each.address}:${each.port}`).join(", ");
    throw new WeftError("unavailable", `etcd at ${where} does not answer: ${error.message}`, {
      cause: error,
      hint: "is it running, has it a majority, and are --store's address and certificates right?",
    });
  }
}
