/** Lists the nf_tables tables of the network namespace that the calling thread is in, without the program `nft`. */
import { WeftError } from "../../../src/kernel/index.ts";
import {
  attributeText,
  NetlinkWriter,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  parseAttributes,
} from "../../../src/intercept/netlink-message.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../../src/intercept/netlink-socket.ts";

const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_GETTABLE = 1;
const NFTA_TABLE_NAME = 1;
/** struct nfgenmsg. */
const headerBytes = 4;

/** Names, sorted. Who may not ask has none of its own either. */
export function ruleTables(): string[] {
  const socket = new NetlinkSocket(NETLINK_NETFILTER);
  try {
    const sequence = socket.nextSequence();
    const type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE;
    const writer = new NetlinkWriter().begin(type, NLM_F_REQUEST | NLM_F_DUMP, sequence);
    // Any family, version 0, no resource.
    writer.u8(0).u8(0).u16be(0);
    return socket
      .dump("list tables", writer.end().bytes(), sequence)
      .map(({ payload }) =>
        attributeText(parseAttributes(payload.subarray(headerBytes)).get(NFTA_TABLE_NAME)),
      )
      .toSorted();
  } catch (error) {
    if (error instanceof WeftError && error.code === "permission") return [];
    throw error;
  } finally {
    socket.close();
  }
}
