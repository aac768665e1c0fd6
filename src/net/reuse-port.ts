/**
 * Who of several listeners on one port gets new connections (Linux). The kernel keeps them in a list, numbered in the order
 * in which they began to listen; when one leaves, the last takes its number. A classic BPF program that all of them share
 * answers with a number for each new connection. Without one, or where it answers a number that nobody has, the
 * kernel spreads by a hash of the addresses.
 */
import { ptr } from "bun:ffi";
import { libc, setIntOption } from "./libc.ts";
import type { Listener } from "./listen.ts";

const solSocket = 1;
const soAttachReusePortCbpf = 51;
const soDetachReusePortBpf = 68;

/** One `sock_filter`: code, jump if true, jump if false, operand. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

const loadRandom: Instruction = [0x20, 0, 0, 0xfffff000 + 56];
const modulo = (divisor: number): Instruction => [0x94, 0, 0, divisor];
/** Goes on with the next instruction where the accumulator is `value`, else with the one after it. */
const skipUnless = (value: number): Instruction => [0x15, 0, 1, value];
const answer = (value: number): Instruction => [0x06, 0, 0, value];

/** Two instructions each; the kernel takes 4,096 of them. */
const maxTargets = 1_024;

/**
 * New connections to the whole port go to the listeners with these numbers, evenly, from the next one on. `listener`: any
 * that listens on the port. False: the system does not offer it, or the listener is closed.
 */
export function steerReusePort(listener: Listener, targets: readonly number[]): boolean {
  if (libc === undefined || listener.fd < 0 || targets.length === 0 || targets.length > maxTargets)
    return false;
  const program = steeringProgram(targets);
  // struct sock_fprog: a count, and behind its padding the program's address.
  const header = new BigUint64Array(2);
  header[0] = BigInt(program.length / 8);
  header[1] = BigInt(ptr(program));
  return libc.setsockopt(listener.fd, solSocket, soAttachReusePortCbpf, ptr(header), 16) === 0;
}

/** Back to the kernel's own spreading. True also where nothing had been steered. */
export function resetReusePort(listener: Listener): boolean {
  return listener.fd >= 0 && setIntOption(listener.fd, solSocket, soDetachReusePortBpf, 0);
}

function steeringProgram(targets: readonly number[]): Uint8Array {
  const last = targets.at(-1) ?? 0;
  const choices = targets.slice(0, -1).flatMap((target, i) => [skipUnless(i), answer(target)]);
  const instructions = [loadRandom, modulo(targets.length), ...choices, answer(last)];
  const bytes = new Uint8Array(8 * instructions.length);
  const view = new DataView(bytes.buffer);
  for (const [i, [code, ifTrue, ifFalse, operand]] of instructions.entries()) {
    view.setUint16(8 * i, code, true);
    bytes[8 * i + 2] = ifTrue;
    bytes[8 * i + 3] = ifFalse;
    view.setUint32(8 * i + 4, operand, true);
  }
  return bytes;
}
