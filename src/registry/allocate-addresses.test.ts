/** Virtual addresses: deterministic, never shared, kept. */
import { describe, expect, test } from "bun:test";
import { type AddressAllocation, type AddressRequest, allocateAddresses } from "./allocate-addresses.ts";

const prefixes = ["240.240.0.0/16", "fd77:6565:6674::/64"];
const request = (service: string, ...asked: string[]): AddressRequest => ({ service, asked });
const allocate = (
  requests: AddressRequest[],
  taken: [string, string][] = [],
  from = prefixes,
): AddressAllocation[] => allocateAddresses({ requests, prefixes: from, taken: new Map(taken) });
const addressesOf = (allocation: AddressAllocation | undefined): readonly string[] =>
  allocation?.kind === "allocated" ? allocation.addresses : [];

describe("a virtual address", () => {
  test("of each family lies in the prefixes, IPv4 first, the same every time", () => {
    const [first] = allocate([request("default/reviews")]);
    expect(addressesOf(first)[0]).toStartWith("240.240.");
    expect(addressesOf(first)[1]).toStartWith("fd77:6565:6674:");
    expect(addressesOf(first).length).toBe(2);
    expect(allocate([request("default/reviews")])[0]).toEqual(first);
    expect(addressesOf(allocate([request("default/ratings")])[0])).not.toEqual(addressesOf(first));
  });

  test("goes to nobody twice, in whatever order services come", () => {
    const requests = Array.from({ length: 500 }, (_, i) => request(`default/s${i}`));
    const small = ["10.0.0.0/22", "fd00::/118"];
    const forward = allocate(requests, [], small);
    const all = forward.flatMap(addressesOf);
    expect(new Set(all).size).toBe(1000);
    const backward = allocate(requests.toReversed(), [], small).toReversed();
    expect(backward).toEqual(forward);
  });

  test("is found where all but one are taken, and never is the first or the last", () => {
    const taken = Array.from({ length: 13 }, (_, i): [string, string] => [
      `10.0.0.${i + 1}`,
      `default/t${i}`,
    ]);
    expect(addressesOf(allocate([request("default/a")], taken, ["10.0.0.0/28"])[0])).toEqual(["10.0.0.14"]);
    const full: [string, string][] = [...taken, ["10.0.0.14", "default/t"]];
    expect(allocate([request("default/a")], full, ["10.0.0.0/28"])[0]).toEqual({
      kind: "refused",
      service: "default/a",
      message: "no IPv4 address is left in 10.0.0.0/28",
    });
  });

  test("comes from the next prefix of the family when the first is full", () => {
    const taken: [string, string][] = [
      ["10.0.0.1", "default/x"],
      ["10.0.0.2", "default/y"],
    ];
    const [result] = allocate([request("default/a")], taken, ["10.0.0.0/30", "10.9.0.0/30"]);
    expect(addressesOf(result)[0]).toStartWith("10.9.0.");
  });

  test("is refused where a prefix holds nothing but its ends", () => {
    expect(allocate([request("default/a")], [], ["10.0.0.0/31"])[0]?.kind).toBe("refused");
    expect(allocate([request("default/a")], [], ["10.0.0.4/32"])[0]?.kind).toBe("refused");
  });
});

describe("an address that a service asks for", () => {
  test("is kept, and the family that is missing is added", () => {
    const [result] = allocate([request("default/a", "240.240.7.7")]);
    expect(addressesOf(result)[0]).toBe("240.240.7.7");
    expect(addressesOf(result)[1]).toStartWith("fd77:6565:6674:");
    const both = addressesOf(result);
    const taken = both.map((address): [string, string] => [address, "default/a"]);
    expect(addressesOf(allocate([request("default/a", ...both)], taken)[0])).toEqual(both);
  });

  test("is not given to a new service of the same commit that would hash to it", () => {
    const wanted = addressesOf(allocate([request("default/a")])[0])[0] ?? "";
    const [a, z] = allocate([request("default/a"), request("default/z", wanted)]);
    expect(addressesOf(z)[0]).toBe(wanted);
    expect(addressesOf(a)[0]).not.toBe(wanted);
  });

  test.each<[string, AddressRequest[], [string, string][], string]>([
    [
      "belongs to another",
      [request("default/a", "240.240.0.9")],
      [["240.240.0.9", "default/b"]],
      "belongs to the service default/b",
    ],
    ["lies outside", [request("default/a", "10.0.0.1")], [], "outside of MeshConfig's virtualIpCidrs"],
    ["is no address", [request("default/a", "240.240.0")], [], "no IP address"],
    [
      "is one too many",
      [request("default/a", "240.240.0.9", "240.240.0.8")],
      [],
      "more than one IPv4 address",
    ],
  ])("and %s is refused", (_, requests, taken, why) => {
    const [result] = allocate(requests, taken);
    expect(result?.kind === "refused" ? result.message : "").toContain(why);
  });

  test("of two in one commit goes to one of them only", () => {
    const results = allocate([request("default/b", "240.240.0.9"), request("default/a", "240.240.0.9")]);
    expect(results.map(({ kind, service }) => [service, kind])).toEqual([
      ["default/b", "refused"],
      ["default/a", "allocated"],
    ]);
  });

  test("and had already is kept when the prefixes have been changed", () => {
    const [result] = allocate(
      [request("default/a", "10.1.2.3")],
      [["10.1.2.3", "default/a"]],
      ["240.240.0.0/16"],
    );
    expect(addressesOf(result)).toEqual(["10.1.2.3"]);
  });
});

test("only the families that a service wants are allocated", () => {
  const [result] = allocate([{ service: "default/a", asked: [], families: ["IPv6"] }]);
  expect(addressesOf(result).map((address) => address.includes(":"))).toEqual([true]);
});
