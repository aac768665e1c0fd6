/**
 * One netlink socket: requests are sent and their answers awaited at once, for the kernel answers within the call.
 * A socket belongs for life to the network namespace that its thread was in when it was made.
 */
import type { WeftError } from "../kernel/index.ts";
import { EAGAIN, errnoError } from "./errno.ts";
import { check, closeDescriptor } from "./native.ts";
import { native } from "./native-calls.ts";
import {
  attributeText,
  messageHeaderBytes,
  type NetlinkMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
  parseAttributes,
  parseMessages,
  readI32,
  readU32,
} from "./netlink-message.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const MSG_DONTWAIT = 0x40;
/** The answer holds the header of what it answers, and not its body. */
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

/** The kernel answers at once; a missing answer would otherwise block the whole process for ever. */
const receiveTimeoutSeconds = 5;
/** As iproute2 reads dumps: one datagram of a dump is never larger. */
const receiveBytes = 32 * 1024;

export class NetlinkSocket {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(receiveBytes);
  #sequence = 0;
  #isClosed = false;

  constructor(protocol: number) {
    this.#fd = check("make a netlink socket", native().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    try {
      // struct sockaddr_nl: family, padding, port id 0 (the kernel chooses), no groups.
      const address = new Uint8Array(12);
      address[0] = AF_NETLINK;
      check("bind a netlink socket", native().bind(this.#fd, address));
      this.#setOption(SOL_SOCKET, SO_RCVTIMEO, new BigUint64Array([BigInt(receiveTimeoutSeconds), 0n]));
      this.#setOption(SOL_NETLINK, NETLINK_CAP_ACK, new Uint32Array([1]));
      this.#setOption(SOL_NETLINK, NETLINK_EXT_ACK, new Uint32Array([1]));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  /** Sends and waits for the acknowledgement (the message must ask for one). Throws WeftError as `what: …`. */
  request(what: string, bytes: Uint8Array, sequence: number): void {
    this.#send(what, bytes);
    this.#collect(what, (message) => message.sequence === sequence);
  }

  /** Sends a dump request and gives the messages of the answer. */
  dump(what: string, bytes: Uint8Array, sequence: number): NetlinkMessage[] {
    this.#send(what, bytes);
    return this.#collect(what, (message) => message.sequence === sequence);
  }

  /**
   * Sends a batch, which the kernel takes as a whole or not at all. `whats` has words for each sequence number that
   * asks for an acknowledgement; the first refusal is thrown with them after all answers were read.
   */
  batch(bytes: Uint8Array, whats: ReadonlyMap<number, string>): void {
    this.#send("send a batch", bytes);
    const outstanding = new Map(whats);
    let refusal: WeftError | undefined;
    while (outstanding.size > 0) {
      // All answers are there by now; after a refusal the kernel may leave out the others.
      const messages = this.#receive("read a batch's answers", refusal === undefined ? 0 : MSG_DONTWAIT);
      if (messages.length === 0) break;
      for (const message of messages) {
        if (message.type !== NLMSG_ERROR) continue;
        refusal ??= refusalOf(outstanding.get(message.sequence) ?? "send a batch", message);
        // A refusal of the batch's own frame, which has no acknowledgement, ends it.
        if (!outstanding.delete(message.sequence) && refusal !== undefined) throw refusal;
      }
    }
    if (refusal !== undefined) throw refusal;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeDescriptor(this.#fd);
  }

  #collect(what: string, isOurs: (message: NetlinkMessage) => boolean): NetlinkMessage[] {
    const collected: NetlinkMessage[] = [];
    for (;;) {
      for (const message of this.#receive(what, 0)) {
        if (!isOurs(message)) continue;
        if (message.type === NLMSG_ERROR) {
          const refusal = refusalOf(what, message);
          if (refusal !== undefined) throw refusal;
          return collected;
        }
        if (message.type === NLMSG_DONE) return collected;
        // The buffer is used again for the next datagram.
        collected.push({ ...message, payload: message.payload.slice() });
      }
    }
  }

  #send(what: string, bytes: Uint8Array): void {
    check(what, native().send(this.#fd, bytes));
  }

  #receive(what: string, flags: number): NetlinkMessage[] {
    const length = native().recv(this.#fd, this.#buffer, flags);
    if (length === -EAGAIN && flags === MSG_DONTWAIT) return [];
    return parseMessages(this.#buffer.subarray(0, check(what, length)));
  }

  #setOption(level: number, name: number, value: BigUint64Array | Uint32Array): void {
    check("set up a netlink socket", native().setsockopt(this.#fd, level, name, value));
  }
}

/** The payload: errno (negative), the header that it answers, with NETLINK_CAP_ACK nothing of the rest, attributes. */
function refusalOf(what: string, message: NetlinkMessage): WeftError | undefined {
  const number = -readI32(message.payload, 0);
  return number === 0 ? undefined : errnoError(what, number, refusalDetail(message));
}

function refusalDetail(message: NetlinkMessage): { detail?: string } {
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return {};
  const isCapped = (message.flags & NLM_F_CAPPED) !== 0;
  const answered = isCapped ? messageHeaderBytes : readU32(message.payload, 4);
  const attributes = parseAttributes(message.payload.subarray(4 + ((answered + 3) & ~3)));
  const text = attributeText(attributes.get(NLMSGERR_ATTR_MSG));
  return text === "" ? {} : { detail: text };
}
