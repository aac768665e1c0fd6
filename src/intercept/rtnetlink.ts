/** Links, addresses and routes of one network namespace, as `ip` would set them, without it. */
import { formatIp, parseIp, WeftError } from "../kernel/index.ts";
import { ENODEV, errnoOf } from "./errno.ts";
import {
  attributeText,
  NetlinkWriter,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REQUEST,
  parseAttributes,
  readU32,
} from "./netlink-message.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./netlink-socket.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_GROUP = 27;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFF_UP = 1;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_F_NODAD = 2;

const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;

const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;

/** IFNAMSIZ less the final zero; the kernel refuses longer ones with ERANGE only. */
const maxNameBytes = 15;
const linkHeaderBytes = 16;
const addressHeaderBytes = 8;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  /** Index of the bridge that it is a port of, or 0. */
  readonly master: number;
  /** Twelve hexadecimal digits; empty where it has none. */
  readonly hardwareAddress: string;
}

export interface VethPeer {
  readonly name: string;
  /** Where the peer is made at once: a network namespace by descriptor. */
  readonly namespaceFd: number;
  /** Six bytes; absent: the kernel makes one at random. */
  readonly hardwareAddress?: Uint8Array;
}

export class RouteSocket {
  readonly #socket = new NetlinkSocket(NETLINK_ROUTE);

  links(): Link[] {
    const sequence = this.#socket.nextSequence();
    const writer = new NetlinkWriter().begin(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sequence);
    writeLinkHeader(writer, 0, 0, 0);
    return this.#socket.dump("list links", writer.end().bytes(), sequence).map(({ payload }) => {
      const attributes = parseAttributes(payload.subarray(linkHeaderBytes));
      const master = attributes.get(IFLA_MASTER);
      return {
        index: readU32(payload, 4),
        name: attributeText(attributes.get(IFLA_IFNAME)),
        isUp: (readU32(payload, 8) & IFF_UP) !== 0,
        master: master === undefined ? 0 : readU32(master, 0),
        hardwareAddress: Buffer.from(attributes.get(IFLA_ADDRESS) ?? []).toString("hex"),
      };
    });
  }

  /** Of all links, both families, in canonical text. */
  addresses(): string[] {
    const sequence = this.#socket.nextSequence();
    const writer = new NetlinkWriter().begin(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, sequence);
    writer.u8(AF_UNSPEC).u8(0).u8(0).u8(0).u32(0);
    return this.#socket.dump("list addresses", writer.end().bytes(), sequence).flatMap(({ payload }) => {
      const attributes = parseAttributes(payload.subarray(addressHeaderBytes));
      const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
      return address === undefined ? [] : [formatIp(address)];
    });
  }

  /** Throws WeftError `not_found`. */
  linkIndex(name: string): number {
    const link = this.links().find((candidate) => candidate.name === name);
    if (link === undefined) throw new WeftError("not_found", `find link ${name}: no such link`);
    return link.index;
  }

  setUp(index: number): void {
    this.#change(`set link ${index} up`, RTM_NEWLINK, 0, (writer) =>
      writeLinkHeader(writer, index, IFF_UP, IFF_UP),
    );
  }

  /** Makes a port of a bridge out of a link. */
  enslave(index: number, bridgeIndex: number): void {
    this.#change(`put link ${index} on bridge ${bridgeIndex}`, RTM_NEWLINK, 0, (writer) => {
      writeLinkHeader(writer, index, 0, 0);
      writer.attributeU32(IFLA_MASTER, bridgeIndex);
    });
  }

  /**
   * With a hardware address of its own (six bytes) the bridge keeps it. Without, it has the lowest one of its ports, and
   * another one whenever ports come and go, which its neighbours notice only after half a minute.
   */
  addBridge(name: string, hardwareAddress?: Uint8Array): void {
    checkName(name);
    this.#change(`make bridge ${name}`, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, (writer) => {
      writeLinkHeader(writer, 0, 0, 0);
      writer.attributeString(IFLA_IFNAME, name);
      if (hardwareAddress !== undefined) writer.attributeRaw(IFLA_ADDRESS, hardwareAddress);
      writer.nested(IFLA_LINKINFO, () => writer.attributeString(IFLA_INFO_KIND, "bridge"));
    });
  }

  /**
   * Throws WeftError `already_exists` where a link has the name, so names can serve as locks. The group, if any, is a
   * number by which `deleteGroup` finds this end.
   */
  addVeth(name: string, peer: VethPeer, group = 0): void {
    checkName(name);
    checkName(peer.name);
    this.#change(`make veth ${name}`, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, (writer) => {
      writeLinkHeader(writer, 0, 0, 0);
      writer.attributeString(IFLA_IFNAME, name);
      if (group !== 0) writer.attributeU32(IFLA_GROUP, group);
      writer.nested(IFLA_LINKINFO, () => {
        writer.attributeString(IFLA_INFO_KIND, "veth");
        writer.nested(IFLA_INFO_DATA, () =>
          writer.nested(VETH_INFO_PEER, () => {
            writeLinkHeader(writer, 0, 0, 0);
            writer.attributeString(IFLA_IFNAME, peer.name);
            if (peer.hardwareAddress !== undefined) writer.attributeRaw(IFLA_ADDRESS, peer.hardwareAddress);
            writer.attributeU32(IFLA_NET_NS_FD, peer.namespaceFd);
          }),
        );
      });
    });
  }

  /** Removing one end of a veth removes the other. No error where it is gone already. Takes 15 to 30 ms. */
  deleteLink(name: string): void {
    checkName(name);
    this.#delete(`delete link ${name}`, (writer) => writer.attributeString(IFLA_IFNAME, name));
  }

  /** As long as one link takes, for all of them. */
  deleteGroup(group: number): void {
    this.#delete(`delete links of group ${group}`, (writer) => writer.attributeU32(IFLA_GROUP, group));
  }

  /** IPv6 without duplicate detection, during which the address could not be used for a second. */
  addAddress(index: number, address: string, prefixBits: number): void {
    const bytes = requireIp(address);
    this.#change(`add address ${address}/${prefixBits}`, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, (writer) => {
      // struct ifaddrmsg: family, prefix length, flags, scope, index.
      const flags = bytes.length === 16 ? IFA_F_NODAD : 0;
      writer.u8(familyOf(bytes)).u8(prefixBits).u8(flags).u8(0).u32(index);
      writer.attributeRaw(IFA_LOCAL, bytes).attributeRaw(IFA_ADDRESS, bytes);
    });
  }

  /** Needs the link up. The family is the gateway's. */
  addDefaultRoute(index: number, gateway: string): void {
    const bytes = requireIp(gateway);
    this.#change(`add default route by ${gateway}`, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, (writer) => {
      // struct rtmsg: family, destination and source bits, tos, table, protocol, scope, type, flags.
      writer.u8(familyOf(bytes)).u8(0).u8(0).u8(0);
      writer.u8(RT_TABLE_MAIN).u8(RTPROT_STATIC).u8(0).u8(RTN_UNICAST).u32(0);
      writer.attributeRaw(RTA_GATEWAY, bytes).attributeU32(RTA_OIF, index);
    });
  }

  close(): void {
    this.#socket.close();
  }

  #delete(what: string, choose: (writer: NetlinkWriter) => void): void {
    try {
      this.#change(what, RTM_DELLINK, 0, (writer) => {
        writeLinkHeader(writer, 0, 0, 0);
        choose(writer);
      });
    } catch (error) {
      if (errnoOf(error) !== ENODEV) throw error;
    }
  }

  #change(what: string, type: number, flags: number, content: (writer: NetlinkWriter) => void): void {
    const sequence = this.#socket.nextSequence();
    const writer = new NetlinkWriter().begin(type, NLM_F_REQUEST | NLM_F_ACK | flags, sequence);
    content(writer);
    this.#socket.request(what, writer.end().bytes(), sequence);
  }
}

/** struct ifinfomsg: family, padding, type, index, flags, which flags to change. */
function writeLinkHeader(writer: NetlinkWriter, index: number, flags: number, change: number): void {
  writer.u8(AF_UNSPEC).u8(0).u16(0).u32(index).u32(flags).u32(change);
}

function checkName(name: string): void {
  if (name.length === 0 || new TextEncoder().encode(name).length > maxNameBytes) {
    throw new WeftError(
      "bad_input",
      `link name ${JSON.stringify(name)} must have 1 to ${maxNameBytes} bytes`,
    );
  }
}

function requireIp(text: string): Uint8Array {
  const bytes = parseIp(text);
  if (bytes === undefined) throw new WeftError("bad_input", `${JSON.stringify(text)} is no IP address`);
  return bytes;
}

function familyOf(bytes: Uint8Array): number {
  return bytes.length === 4 ? AF_INET : AF_INET6;
}
