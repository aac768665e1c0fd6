export type { TlsDecision } from "./arrival.ts";
export type { CloseCause } from "./causes.ts";
export { parseSubjectAltNames } from "./certificate-fields.ts";
export { ClientHelloReader, encodeAlert, tlsAlerts } from "./client-hello.ts";
export type { ClientHello } from "./client-hello-body.ts";
export { acceptsKey, type KeyKind } from "./client-keys.ts";
export { shedCodePages } from "./code-pages.ts";
export { type ConnectFailure, connect, type ConnectOptions, type PendingConnect } from "./connect.ts";
export { Connection, type ConnectionSink } from "./connection.ts";
export {
  connectDatagrams,
  type DatagramPeer,
  datagramListener,
  type DatagramServer,
  openDatagrams,
} from "./datagrams.ts";
export { machineAddresses, MachineWatch } from "./machine-addresses.ts";
export { detectProtocol } from "./detect-protocol.ts";
export { encodeProxyHeader } from "./encode-proxy-header.ts";
export { type ArrivalChoice, type Listener, type ListenOptions, listen } from "./listen.ts";
export { originalDestination } from "./original-destination.ts";
export type { TcpKeepAlive } from "./own-socket.ts";
export { type PeerCredentials, peerCredentials } from "./peer-credentials.ts";
export { type PeerProcess, peerProcess } from "./peer-process.ts";
export { resetReusePort, steerReusePort } from "./reuse-port.ts";
export { ReusePortOrder } from "./reuse-port-order.ts";
export { retireListener } from "./retire-listener.ts";
export { terminatePeers } from "./terminate-peers.ts";
export { TimerWheel, type WheelTimer } from "./timer-wheel.ts";
export {
  type ClientTls,
  meshServerName,
  type PeerCertificate,
  type PeerRefusal,
  type ServerTls,
  type TlsIdentity,
} from "./tls.ts";
export { sendToUnix } from "./unix-datagram.ts";
