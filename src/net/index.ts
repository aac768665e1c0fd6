export type { CloseCause } from "./causes.ts";
export { type ConnectFailure, type ConnectOptions, connect, type PendingConnect } from "./connect.ts";
export { Connection, type ConnectionSink } from "./connection.ts";
export type { ConnectionSettings } from "./connection-host.ts";
export { type Detected, detectProtocol } from "./detect-protocol.ts";
export { type Listener, type ListenOptions, listen, upgradeServerTls } from "./listen.ts";
export { originalDestination } from "./original-destination.ts";
export type { AddressAndPort } from "./socket-address.ts";
export { TimerWheel, type WheelTimer } from "./timer-wheel.ts";
export {
  type ClientTls,
  meshServerName,
  type PeerCertificate,
  type ServerTls,
  type TlsIdentity,
} from "./tls.ts";
