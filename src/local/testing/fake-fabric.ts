/** A fabric whose processes end when a test says so; every start is recorded in order. */
import type { Launched } from "../../intercept/index.ts";
import type {
  ControlDoors,
  Fabric,
  GatewayRequest,
  ProxyParts,
  Site,
  SiteLaunch,
  WorkloadRequest,
} from "../fabric.ts";
import { FakeLaunched } from "./fake-launched.ts";

export interface FakeStart {
  /** `control`, `proxy namespace/name` or `program namespace/name`. */
  readonly what: string;
  readonly launched: FakeLaunched;
  readonly start: SiteLaunch;
}

export class FakeFabric implements Fabric {
  readonly kind = "loopback";
  readonly limits = [];
  readonly control: ControlDoors = {
    ads: { address: "127.0.0.1", port: 15_012 },
    api: { kind: "tcp", address: "127.0.0.1", port: 15_080 },
  };
  readonly starts: FakeStart[] = [];
  isClosed = false;
  /** What a gateway is told to listen on, if anything. */
  gatewayDoor: ProxyParts["gateway"];
  readonly #healthPort: number;

  /** `healthPort` answers for every proxy, as its administrator's page too. */
  constructor(healthPort: number) {
    this.#healthPort = healthPort;
  }

  async addWorkload({ namespace, name, ports }: WorkloadRequest): Promise<Site> {
    return this.#site(namespace, name, { HOST: "0.0.0.0", PORT: String(ports[0]?.port ?? "") });
  }

  async addGateway({ namespace, name }: GatewayRequest): Promise<Site> {
    return this.#site(namespace, name, {}, this.gatewayDoor);
  }

  launchControl(start: SiteLaunch): Launched {
    return this.#launch("control", start);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  all(what: string): FakeStart[] {
    return this.starts.filter((start) => start.what === what);
  }

  #site(
    namespace: string,
    name: string,
    environment: Readonly<Record<string, string>>,
    gateway?: ProxyParts["gateway"],
  ): Site {
    const at = (port: number): { address: string; port: number } => ({ address: "127.0.0.1", port });
    const proxy: ProxyParts = {
      capture: { kind: "none" },
      tunnel: at(15_008),
      application: { address: "127.0.0.1" },
      admin: at(this.#healthPort),
      health: at(this.#healthPort),
      dnsUpstreams: [],
      ...(gateway === undefined ? {} : { gateway }),
    };
    return {
      ...{ namespace, name, environment, proxy },
      addresses: ["127.0.0.1"],
      launchProxy: (start) => this.#launch(`proxy ${namespace}/${name}`, start),
      launchProgram: (start) => this.#launch(`program ${namespace}/${name}`, start),
      remove: async () => {},
    };
  }

  #launch(what: string, start: SiteLaunch): Launched {
    const launched = new FakeLaunched(process.pid);
    this.starts.push({ what, launched, start });
    return launched;
  }
}
