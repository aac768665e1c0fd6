/** Tells whether a program listens yet, without dialling it: a dial from outside would be captured, and would be traffic. */
import { readFileSync } from "node:fs";

const listenState = "0A";

/** Looks into the network namespace of `pid`. Undefined where the system does not tell. */
export function isListening(pid: number, port: number, address?: string): boolean | undefined {
  const tables = ["tcp", "tcp6"].map((name) => readTable(`/proc/${pid}/net/${name}`));
  if (tables.every((table) => table === undefined)) return undefined;
  const wanted = address === undefined ? undefined : hexOf(address);
  return tables.some((table) => table !== undefined && tableListens(table, port, wanted));
}

/** A line: `sl  local_address rem_address st …`, the address in hex with its 32-bit words in host order. */
export function tableListens(table: string, port: number, addressHex: string | undefined): boolean {
  const wantedPort = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").some((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [localAddress = "", localPort] = local.split(":");
    if (state !== listenState || localPort !== wantedPort) return false;
    return addressHex === undefined || localAddress === addressHex || /^0+$/.test(localAddress);
  });
}

/** IPv4 as the kernel prints it on a little-endian machine. */
function hexOf(address: string): string | undefined {
  const bytes = address.split(".").map(Number);
  if (bytes.length !== 4) return undefined;
  return bytes
    .toReversed()
    .map((byte) => byte.toString(16).toUpperCase().padStart(2, "0"))
    .join("");
}

function readTable(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
