/**
 * Several listeners on one port, of one process or of several: the kernel keeps them in the order in which they were bound, and a small
 * program says which of them takes a new connection. Closing one drops what waits in its queue, so a listener that is to go is first left
 * out of the choice, then emptied. When one is closed, the last takes its place in the order.
 */
import { dlopen, ptr } from "bun:ffi";
import type { Clock } from "../kernel/index.ts";

/** Listeners by their place in the order. */
export interface Choice {
  readonly first: number;
  readonly count: number;
}

const solSocket = 1;
const soAttachReuseportCbpf = 51;
const ipprotoTcp = 6;
const tcpInfo = 11;
/** Of `struct tcp_info`: for a listener, connections that wait to be accepted. */
const unackedOffset = 24;
const tcpInfoBytes = 32;

/** Classic BPF: load an extension, modulo and add a constant, return. */
const bpfLoadWordAbsolute = 0x20;
const bpfModulo = 0x94;
const bpfAdd = 0x04;
const bpfReturnAccumulator = 0x16;
const skfRandom = 0xffff_f000 + 56;

const signatures = {
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
} as const;

type Library = ReturnType<typeof openLibrary>;

function openLibrary(name: string) {
  return dlopen(name, signatures).symbols;
}

/** glibc, then musl on the two machines that Bun is built for. */
const names = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
let library: Library | undefined | "none";

function libc(): Library | undefined {
  if (library === undefined) library = process.platform === "linux" ? (openFirst() ?? "none") : "none";
  return library === "none" ? undefined : library;
}

function openFirst(): Library | undefined {
  for (const name of names) {
    try {
      return openLibrary(name);
    } catch {
      // Not this C library; the next one.
    }
  }
  return undefined;
}

/** From now on new connections go to these. Where fewer listeners are left than it says, the kernel chooses among all. */
export function steer(fd: number, { first, count }: Choice): boolean {
  const program = Buffer.concat([
    instruction(bpfLoadWordAbsolute, skfRandom),
    instruction(bpfModulo, count),
    instruction(bpfAdd, first),
    instruction(bpfReturnAccumulator, 0),
  ]);
  const header = new DataView(new ArrayBuffer(16));
  header.setUint16(0, program.length / 8, true);
  header.setBigUint64(8, BigInt(ptr(program)), true);
  const result = libc()?.setsockopt(fd, solSocket, soAttachReuseportCbpf, ptr(header.buffer), 16);
  return result === 0;
}

function instruction(code: number, k: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt32LE(k, 4);
  return bytes;
}

/** Connections that wait to be accepted. Undefined where the kernel does not tell. */
export function queueLength(fd: number): number | undefined {
  const value = new Uint8Array(tcpInfoBytes);
  const length = Uint32Array.of(tcpInfoBytes);
  if (libc()?.getsockopt(fd, ipprotoTcp, tcpInfo, ptr(value), ptr(length)) !== 0) return undefined;
  return new DataView(value.buffer).getUint32(unackedOffset, true);
}

/** Handshakes that were under way when the choice was made still end here: a round trip round the world, and a packet lost on the way. */
const graceMs = 500;
const lookMs = 10;
/** A queue that is still not empty is being filled by somebody else's choice; waiting longer changes nothing. */
const maxWaitMs = 3_000;

/** Resolves when nothing waits at the listener and nothing is on its way to it, and it can be closed. */
export async function untilEmpty(fd: number, clock: Clock): Promise<void> {
  const startMs = clock.nowMs();
  for (;;) {
    const waitedMs = clock.nowMs() - startMs;
    const isEmpty = (queueLength(fd) ?? 0) === 0;
    if ((isEmpty && waitedMs >= graceMs) || waitedMs >= maxWaitMs) return;
    await new Promise<void>((resolve) => void clock.after(lookMs, resolve));
  }
}
