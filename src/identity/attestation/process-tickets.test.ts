/** Tickets over their minute: once, in time, for whom they were made. */
import { beforeEach, expect, test } from "bun:test";
import { VirtualClock } from "../../kernel/index.ts";
import { ProcessTickets } from "./process-tickets.ts";

const subject = { namespace: "shop", serviceAccount: "web" };
let clock: VirtualClock;
let tickets: ProcessTickets;

beforeEach(() => {
  clock = new VirtualClock();
  tickets = new ProcessTickets(clock);
});

const issue = (): string => tickets.issue(subject) ?? "";

test("a ticket is good for its subject, once", async () => {
  const ticket = issue();
  expect(ticket).toMatch(/^weft-process-[\w-]{43}$/);
  expect(issue()).not.toBe(ticket);
  expect(await tickets.attest(ticket)).toEqual(subject);
  expect(await tickets.attest(ticket)).toMatchObject({ refusal: "replayed" });
});

test("two uses at the same moment are one", async () => {
  const ticket = issue();
  const results = await Promise.all([tickets.attest(ticket), tickets.attest(ticket)]);
  expect(results.filter((result) => "namespace" in result)).toHaveLength(1);
});

test("a ticket ends after a minute, and not before", async () => {
  const [early, late] = [issue(), issue()];
  clock.advance(59_999);
  expect(await tickets.attest(early)).toEqual(subject);
  clock.advance(1);
  expect(await tickets.attest(late)).toMatchObject({ refusal: "expired" });
});

test("what is no ticket of ours is unknown, also after a restart and long after", async () => {
  const ticket = issue();
  for (const wrong of ["", "weft-process-", `${ticket}x`, ticket.slice(0, -1), "x".repeat(1_000_000)]) {
    expect(await tickets.attest(wrong)).toMatchObject({ refusal: "untrusted" });
  }
  expect(await new ProcessTickets(clock).attest(ticket)).toMatchObject({ refusal: "untrusted" });
  clock.advance(200_000);
  issue();
  expect(await tickets.attest(ticket)).toMatchObject({ refusal: "untrusted" });
});

test("only so many are out at a time", () => {
  while (tickets.issue(subject) !== undefined);
  clock.advance(119_000);
  expect(tickets.issue(subject)).toBeUndefined();
  clock.advance(2_000);
  expect(tickets.issue(subject)).toBeDefined();
});
