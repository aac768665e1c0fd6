/** What is read of resolv.conf. */
import { expect, test } from "bun:test";
import { nameserversOf } from "./resolv-conf.ts";

test("nameservers are read in their order, whatever else stands there", () => {
  const text = `# nameserver 192.0.2.9
search example.com
nameserver 192.0.2.1
  nameserver\t2001:DB8::1 # the second
nameserver fe80::1%eth0
nameserver 192.0.2.1
nameserver
nameservers 192.0.2.7
nameserver 192.0.2.2
nameserver 192.0.2.3`;
  expect(nameserversOf(text)).toEqual(["192.0.2.1", "2001:db8::1", "192.0.2.2"]);
  expect(nameserversOf("")).toEqual([]);
});
