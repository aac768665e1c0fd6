/** Something that listens on one port for each upstream and passes everything on to it. */

export interface RunningPeer {
  readonly version: string;
  /** One for each upstream, in their order. */
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

export interface Peer {
  readonly name: string;
  /** Undefined where the peer's program is here, else what to install. */
  missing(): string | undefined;
  start(upstreamPorts: readonly number[]): Promise<RunningPeer>;
}
