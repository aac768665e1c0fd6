/**
 * Sockets made by ourselves and adopted by Bun: marked (so that our capture rules let them pass), bound to a source
 * address, and endable while the connection is still being made, which `Bun.connect` to an address is not.
 */
import { ptr } from "bun:ffi";
import { libc, lastErrno, readOption, setIntOption } from "./libc.ts";
import { encodeSocketAddress } from "./socket-address.ts";

const sockStream = 1;
const sockNonblock = 0o4000;
const sockCloexec = 0o2000000;
const solSocket = 1;
const soMark = 36;
const ipprotoTcp = 6;
const tcpNodelay = 1;
const tcpInfo = 11;
const soKeepAlive = 9;
const tcpKeepIdle = 4;
const tcpKeepInterval = 5;
/** The kernel's own bound. */
const maxKeepAliveSeconds = 32_767;
const errnoInProgress = 115;
/** TCP_INFO's first byte: ESTABLISHED, and CLOSE_WAIT where the peer has already half-closed. */
const stateEstablished = 1;
const stateCloseWait = 8;

/** When the kernel asks a silent peer whether it still lives. Whole seconds are what it knows; less counts as one. */
export interface TcpKeepAlive {
  readonly idleMs: number;
  readonly intervalMs: number;
}

export interface OwnSocketOptions {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly mark?: number;
  readonly localAddress?: string;
  readonly keepAlive?: TcpKeepAlive;
}

/** Whether `openOwnSocket` works on this system. */
export const hasOwnSockets = libc !== undefined;

/** A socket on its way to be connected, or why not: the failed call and its errno. */
export function openOwnSocket(
  options: OwnSocketOptions,
): { readonly fd: number } | { readonly call: string; readonly errno: number } {
  const remote = encodeSocketAddress(options.address, options.port);
  const local = options.localAddress === undefined ? undefined : encodeSocketAddress(options.localAddress, 0);
  if (libc === undefined || remote === undefined) return { call: "socket", errno: 22 };
  const fd = libc.socket(remote[0] ?? 0, sockStream | sockNonblock | sockCloexec, 0);
  if (fd < 0) return { call: "socket", errno: lastErrno() };
  const fail = (call: string): { call: string; errno: number } => {
    const errno = lastErrno();
    libc?.close(fd);
    return { call, errno };
  };
  setIntOption(fd, ipprotoTcp, tcpNodelay, 1);
  if (options.keepAlive !== undefined) setKeepAlive(fd, options.keepAlive);
  if (options.mark !== undefined && !setIntOption(fd, solSocket, soMark, options.mark)) return fail("mark");
  if (local !== undefined && libc.bind(fd, ptr(local), local.length) !== 0) return fail("bind");
  if (libc.connect(fd, ptr(remote), remote.length) !== 0 && lastErrno() !== errnoInProgress) {
    return fail("connect");
  }
  return { fd };
}

function setKeepAlive(fd: number, { idleMs, intervalMs }: TcpKeepAlive): void {
  const seconds = (ms: number): number => Math.min(maxKeepAliveSeconds, Math.max(1, Math.round(ms / 1_000)));
  setIntOption(fd, solSocket, soKeepAlive, 1);
  setIntOption(fd, ipprotoTcp, tcpKeepIdle, seconds(idleMs));
  setIntOption(fd, ipprotoTcp, tcpKeepInterval, seconds(intervalMs));
}

export function closeOwnSocket(fd: number): void {
  libc?.close(fd);
}

/** Bun reports an adopted socket as open at once; only the kernel knows. */
export function isEstablished(fd: number): boolean {
  const state = readOption(fd, ipprotoTcp, tcpInfo, 1)?.[0];
  return state === stateEstablished || state === stateCloseWait;
}
