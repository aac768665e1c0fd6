/**
 * One nf_tables table with its chains and rules, made in one transaction or not at all. Family `inet`, so that each
 * rule holds for IPv4 and IPv6. Nothing is ever changed in place: a namespace of ours gets its table once.
 */
import {
  NetlinkWriter,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REQUEST,
} from "./netlink-message.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "./netlink-socket.ts";
import type { Expression } from "./nft-expression.ts";

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NFT_MSG_NEWTABLE = 0;
const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_NEWRULE = 6;
const NFPROTO_INET = 1;

const NF_INET_PRE_ROUTING = 0;
const NF_INET_LOCAL_OUT = 3;
/** Where destinations are translated, NF_IP_PRI_NAT_DST. */
const destinationNatPriority = -100;

export interface NatChain {
  readonly name: string;
  readonly hook: "output" | "prerouting";
  readonly rules: readonly NatRule[];
}

interface NatRule {
  /** In words, for the message when the kernel refuses it. */
  readonly words: string;
  readonly expressions: readonly Expression[];
}

const hookNumbers: Record<NatChain["hook"], number> = {
  output: NF_INET_LOCAL_OUT,
  prerouting: NF_INET_PRE_ROUTING,
};

/** In the network namespace of the calling thread. Throws WeftError; then nothing was made. */
export function installTable(table: string, chains: readonly NatChain[]): void {
  const socket = new NetlinkSocket(NETLINK_NETFILTER);
  try {
    const { bytes, whats } = encodeTable(table, chains, () => socket.nextSequence());
    socket.batch(bytes, whats);
  } finally {
    socket.close();
  }
}

interface Batch {
  readonly bytes: Uint8Array;
  /** Words for each sequence number that is acknowledged. */
  readonly whats: ReadonlyMap<number, string>;
}

function encodeTable(table: string, chains: readonly NatChain[], nextSequence: () => number): Batch {
  const writer = new NetlinkWriter();
  const whats = new Map<number, string>();
  const add = (what: string, type: number, flags: number, content: () => void): void => {
    const sequence = nextSequence();
    whats.set(sequence, what);
    const fullType = (NFNL_SUBSYS_NFTABLES << 8) | type;
    writer.begin(fullType, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | flags, sequence);
    writeFamily(writer, NFPROTO_INET, 0);
    content();
    writer.end();
  };
  writeFrame(writer, NFNL_MSG_BATCH_BEGIN, nextSequence());
  add(`make table ${table}`, NFT_MSG_NEWTABLE, NLM_F_EXCL, () => {
    writer.attributeString(1, table).attributeU32be(2, 0);
  });
  for (const chain of chains) {
    add(`make chain ${chain.name}`, NFT_MSG_NEWCHAIN, NLM_F_EXCL, () => writeChain(writer, table, chain));
    for (const rule of chain.rules) {
      add(`make rule "${rule.words}"`, NFT_MSG_NEWRULE, NLM_F_APPEND, () => {
        writer.attributeString(1, table).attributeString(2, chain.name);
        writer.nested(4, () => {
          for (const expression of rule.expressions) expression(writer);
        });
      });
    }
  }
  writeFrame(writer, NFNL_MSG_BATCH_END, nextSequence());
  return { bytes: writer.bytes(), whats };
}

function writeChain(writer: NetlinkWriter, table: string, chain: NatChain): void {
  writer.attributeString(1, table).attributeString(3, chain.name);
  writer.nested(4, () => {
    writer.attributeU32be(1, hookNumbers[chain.hook]).attributeU32be(2, destinationNatPriority >>> 0);
  });
  writer.attributeString(7, "nat");
}

/** Without its frame the kernel refuses the messages between with EINVAL. */
function writeFrame(writer: NetlinkWriter, type: number, sequence: number): void {
  writer.begin(type, NLM_F_REQUEST, sequence);
  writeFamily(writer, 0, NFNL_SUBSYS_NFTABLES);
  writer.end();
}

/** struct nfgenmsg: family, version 0, resource id in network order. */
function writeFamily(writer: NetlinkWriter, family: number, resource: number): void {
  writer.u8(family).u8(0).u16be(resource);
}
