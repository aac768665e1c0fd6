/** Listening sockets as the kernel lists them. */
import { expect, test } from "bun:test";
import { isListening, tableListens } from "./listening.ts";

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 00000000:2378 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0100007F:9C40 0100007F:1F91 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
`;

test.each([
  ["a listener on its own address", 8080, "0100007F", true],
  ["a listener on another address", 8080, "0200007F", false],
  ["a listener on every address", 9080, "0100007F", true],
  ["any address asked for", 8080, undefined, true],
  ["a connection is no listener", 40_000, undefined, false],
  ["nobody", 1, undefined, false],
])("%s", (_, port, address, expected) => {
  expect(tableListens(table, port, address)).toBe(expected);
});

test("sees a listener of this process, and no longer once it is closed", () => {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  const { port } = listener;
  expect(isListening(process.pid, port, "127.0.0.1")).toBe(true);
  listener.stop(true);
  expect(isListening(process.pid, port, "127.0.0.1")).toBe(false);
});
