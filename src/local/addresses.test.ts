/** Addresses of workloads: both families, reuse that comes late, locks that end with their holder. */
import { expect, test } from "bun:test";
import { parseIp } from "../kernel/index.ts";
import {
  fabricAddresses,
  freeIndices,
  LoopbackAddresses,
  loopbackPrefix,
  workloadAddresses,
  workloadPrefix4,
  workloadPrefix6,
} from "./addresses.ts";

test("addresses of workloads count up inside both prefixes", () => {
  expect(fabricAddresses).toEqual({ v4: "10.77.0.1", v6: "fd77::1" });
  expect(workloadAddresses(2)).toEqual({ v4: "10.77.0.2", v6: "fd77::2" });
  expect(workloadAddresses(0x1ff)).toEqual({ v4: "10.77.1.255", v6: "fd77::1ff" });
  const last = workloadAddresses(0xfffe);
  expect(workloadPrefix4.contains(parseIp(last.v4) ?? new Uint8Array())).toBe(true);
  expect(workloadPrefix6.contains(parseIp(last.v6) ?? new Uint8Array())).toBe(true);
});

test("offers indices behind the highest one in use, then those that became free", () => {
  const first = (inUse: readonly number[], count: number): number[] =>
    [...freeIndices(new Set(inUse))].slice(0, count);
  expect(first([], 3)).toEqual([2, 3, 4]);
  expect(first([2, 5], 2)).toEqual([6, 7]);
  expect(first([0xfffe, 2, 4], 3)).toEqual([3, 5, 6]);
  expect(first([0xfffd, 2], 3)).toEqual([0xfffe, 3, 4]);
});

test("offers every index once and none in use", () => {
  const inUse = new Set([2, 3, 700, 0xfffe]);
  const offered = [...freeIndices(inUse)];
  expect(new Set(offered).size).toBe(offered.length);
  expect(offered.length).toBe(0xfffe - 1 - inUse.size);
  expect(offered.some((index) => inUse.has(index))).toBe(false);
});

test("two holders never get the same loopback address, and one given back is not the next to be given out", () => {
  const [one, other] = [new LoopbackAddresses(), new LoopbackAddresses()];
  const leases = [one.lease(), other.lease(), one.lease(), other.lease()];
  expect(new Set(leases.map((lease) => lease.address)).size).toBe(4);
  for (const { address } of leases)
    expect(loopbackPrefix.contains(parseIp(address) ?? new Uint8Array())).toBe(true);
  const returned = leases[2];
  returned?.release();
  returned?.release();
  const next = one.lease();
  expect(next.address).not.toBe(returned?.address ?? "");
  for (const lease of [...leases, next]) lease.release();
});

test("an address is free again when its holder is killed", async () => {
  const script = `
    const { LoopbackAddresses } = await import(${JSON.stringify(`${import.meta.dir}/addresses.ts`)});
    console.log(new LoopbackAddresses().lease().address);
    setInterval(() => {}, 1000);`;
  const holder = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  let held = "";
  for await (const chunk of holder.stdout) {
    held = new TextDecoder().decode(chunk).trim();
    break;
  }
  const taken = new LoopbackAddresses();
  const others = Array.from({ length: 20 }, () => taken.lease());
  expect(others.map((lease) => lease.address)).not.toContain(held);
  holder.kill(9);
  await holder.exited;
  const name = Bun.listen({ unix: `\0weft-${held}`, socket: { data: () => {} } });
  name.stop(true);
  for (const lease of others) lease.release();
});
