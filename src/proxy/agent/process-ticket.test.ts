/** Asking the attestation socket, and whatever it may answer. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock, VirtualClock } from "../../kernel/index.ts";
import { askForTicket } from "./process-ticket.ts";

let directory = "";
let server: Bun.UnixSocketListener<undefined> | undefined;
let asked: Promise<void>;
let said: number;
const path = (): string => join(directory, "socket");

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-ticket-"));
  said = 0;
});
afterEach(() => {
  server?.stop(true);
  server = undefined;
  rmSync(directory, { recursive: true, force: true });
});

/** Undefined: it never says anything. */
function serve(answer: string | undefined): void {
  asked = new Promise((resolve) => {
    server = Bun.listen({
      unix: path(),
      socket: {
        open(socket) {
          resolve();
          if (answer === undefined) return;
          socket.write(answer);
          socket.end();
        },
        data: (_, bytes) => void (said += bytes.length),
      },
    });
  });
}
const ask = (clock: Clock = systemClock): Promise<string> =>
  askForTicket(path(), { namespace: "shop", serviceAccount: "web", clock });
const good = { ticket: "weft-process-abc", namespace: "shop", serviceAccount: "web", expiresInSeconds: 60 };

test("the ticket is what it answers, and nothing is said to it", async () => {
  serve(`${JSON.stringify(good)}\n`);
  expect(await ask()).toBe("weft-process-abc");
  expect(said).toBe(0);
});

test("another identity than the bootstrap's is not taken", async () => {
  serve(JSON.stringify({ ...good, serviceAccount: "db" }));
  await expect(ask()).rejects.toThrow("knows this process as shop/db, not as shop/web");
});

test("a refusal is passed on", async () => {
  serve('{"error":{"reason":"no_rule","message":"no rule is for this process"}}\n');
  await expect(ask()).rejects.toThrow("refuses: no rule is for this process");
});

test.each([
  ["nothing", ""],
  ["no JSON", "hello\n"],
  ["no object", "null\n"],
  ["no ticket", '{"namespace":"shop","serviceAccount":"web"}\n'],
  ["a ticket that is none", JSON.stringify({ ...good, ticket: "a\r\nb" })],
  ["a ticket that is huge", JSON.stringify({ ...good, ticket: "x".repeat(1_000) })],
  ["far too much", "x".repeat(100_000)],
])("an answer of %s is an error", async (_, answer) => {
  serve(answer);
  await expect(ask()).rejects.toHaveProperty("code", "bad_input");
});

test("a socket that is not there, and one that is silent", async () => {
  await expect(ask()).rejects.toHaveProperty("code", "unreachable");
  const clock = new VirtualClock();
  serve(undefined);
  const silent = ask(clock);
  await asked;
  // Its own waiting begins with the connection, which this end may learn of later.
  const advancing = setInterval(() => clock.advance(1_000), 1);
  await expect(silent).rejects.toHaveProperty("code", "timeout");
  clearInterval(advancing);
});
