/**
 * What is redirected in a workload's network namespace: everything that it sends and receives over TCP, and its DNS
 * questions; never what its proxy sends (marked), nor what stays within the workload.
 */
import { installTable, type NatChain } from "./nftables.ts";
import {
  matchDestinationPort,
  matchLocalDestination,
  matchMark,
  matchProtocol,
  redirectTo,
  returnVerdict,
} from "./nft-expression.ts";

export interface CapturePorts {
  /** Takes what the workload sends. */
  readonly outboundPort: number;
  /** Takes what it receives outside the mesh's own tunnel. */
  readonly inboundPort: number;
  /** Takes its DNS questions, over UDP and TCP. */
  readonly dnsPort: number;
  /** SO_MARK of the proxy's own connections. */
  readonly mark: number;
  /** Ports that peers and operators reach as they are: tunnel, inbound, admin, health. */
  readonly openPorts: readonly number[];
}

const captureTable = "weft";
const dnsServicePort = 53;

/** In the network namespace of the calling thread. Throws WeftError; then nothing was made. */
export function installCapture(ports: CapturePorts): void {
  installTable(captureTable, captureChains(ports));
}

function captureChains(ports: CapturePorts): NatChain[] {
  return [
    {
      name: "output",
      hook: "output",
      rules: [
        {
          words: "proxy's own connections pass",
          expressions: [...matchMark(ports.mark), ...returnVerdict()],
        },
        // Before the local destinations: a resolver often listens on 127.0.0.53.
        dnsRule("udp", ports.dnsPort),
        dnsRule("tcp", ports.dnsPort),
        {
          words: "local destinations pass",
          expressions: [...matchLocalDestination(), ...returnVerdict()],
        },
        {
          words: `tcp goes to ${ports.outboundPort}`,
          expressions: [...matchProtocol("tcp"), ...redirectTo(ports.outboundPort)],
        },
      ],
    },
    {
      name: "prerouting",
      hook: "prerouting",
      rules: [
        ...ports.openPorts.map((port) => ({
          words: `port ${port} is open`,
          expressions: [...matchProtocol("tcp"), ...matchDestinationPort(port), ...returnVerdict()],
        })),
        {
          words: `tcp goes to ${ports.inboundPort}`,
          expressions: [...matchProtocol("tcp"), ...redirectTo(ports.inboundPort)],
        },
      ],
    },
  ];
}

function dnsRule(protocol: "udp" | "tcp", port: number): NatChain["rules"][number] {
  return {
    words: `dns over ${protocol} goes to ${port}`,
    expressions: [...matchProtocol(protocol), ...matchDestinationPort(dnsServicePort), ...redirectTo(port)],
  };
}
