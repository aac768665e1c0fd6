/**
 * The few nf_tables expressions that capture needs. Every attribute's integer is big endian; compared data is as the
 * kernel holds it: ports in network order, marks in the machine's.
 */
import type { NetlinkWriter } from "./netlink-message.ts";

const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFTA_VERDICT_CODE = 1;

const NFT_REG_VERDICT = 0;
const NFT_REG_1 = 1;
const NFT_CMP_EQ = 0;
const NFT_META_MARK = 3;
const NFT_META_L4PROTO = 16;
const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
const NFT_FIB_RESULT_ADDRTYPE = 3;
const NFTA_FIB_F_DADDR = 2;
const RTN_LOCAL = 2;
const NFT_RETURN = -5;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

/** Writes one element of a rule's expression list. */
export type Expression = (writer: NetlinkWriter) => void;

export function matchMark(mark: number): Expression[] {
  return [meta(NFT_META_MARK), equals(new Uint8Array(new Uint32Array([mark]).buffer))];
}

export function matchProtocol(protocol: "tcp" | "udp"): Expression[] {
  return [meta(NFT_META_L4PROTO), equals(Uint8Array.of(protocol === "tcp" ? IPPROTO_TCP : IPPROTO_UDP))];
}

/** TCP and UDP have it in the same place, so a protocol must have been matched before. */
export function matchDestinationPort(port: number): Expression[] {
  const destinationPortOffset = 2;
  const payload = expression("payload", (writer) => {
    writer
      .attributeU32be(1, NFT_REG_1)
      .attributeU32be(2, NFT_PAYLOAD_TRANSPORT_HEADER)
      .attributeU32be(3, destinationPortOffset)
      .attributeU32be(4, 2);
  });
  return [payload, equals(portBytes(port))];
}

/** The destination is an address of this network namespace itself, loopback included. */
export function matchLocalDestination(): Expression[] {
  const fib = expression("fib", (writer) => {
    writer
      .attributeU32be(1, NFT_REG_1)
      .attributeU32be(2, NFT_FIB_RESULT_ADDRTYPE)
      .attributeU32be(3, NFTA_FIB_F_DADDR);
  });
  return [fib, equals(new Uint8Array(new Uint32Array([RTN_LOCAL]).buffer))];
}

export function returnVerdict(): Expression[] {
  return [
    expression("immediate", (writer) => {
      writer.attributeU32be(1, NFT_REG_VERDICT);
      writer.nested(2, () =>
        writer.nested(NFTA_DATA_VERDICT, () => writer.attributeU32be(NFTA_VERDICT_CODE, NFT_RETURN >>> 0)),
      );
    }),
  ];
}

/** To a port of this machine, on the loopback address for what it sends, on the arrival's for what it receives. */
export function redirectTo(port: number): Expression[] {
  const load = expression("immediate", (writer) => {
    writer.attributeU32be(1, NFT_REG_1);
    writer.nested(2, () => writer.attributeRaw(NFTA_DATA_VALUE, portBytes(port)));
  });
  return [load, expression("redir", (writer) => writer.attributeU32be(1, NFT_REG_1))];
}

function meta(key: number): Expression {
  return expression("meta", (writer) => writer.attributeU32be(1, NFT_REG_1).attributeU32be(2, key));
}

function equals(data: Uint8Array): Expression {
  return expression("cmp", (writer) => {
    writer.attributeU32be(1, NFT_REG_1).attributeU32be(2, NFT_CMP_EQ);
    writer.nested(3, () => writer.attributeRaw(NFTA_DATA_VALUE, data));
  });
}

function expression(name: string, content: (writer: NetlinkWriter) => void): Expression {
  return (writer) =>
    writer.nested(NFTA_LIST_ELEM, () => {
      writer.attributeString(NFTA_EXPR_NAME, name);
      writer.nested(NFTA_EXPR_DATA, () => content(writer));
    });
}

function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff);
}
