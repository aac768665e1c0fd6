/** A refusal because of a lock-out: who is asked, and what his answer does. */
import { expect, test } from "bun:test";
import type { TransactionRequest } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { Cli } from "./cli.ts";
import { transactOrAsk } from "./lock-out.ts";
import { recordOutput } from "./testing/record-output.ts";

const done = { revision: 2, results: [] };

function server(refusal: WeftError) {
  const asked: TransactionRequest[] = [];
  return {
    asked,
    async transact(request: TransactionRequest) {
      asked.push(request);
      if (request.acceptLockout !== true) throw refusal;
      return done;
    },
  };
}

const lockOut = new WeftError("conflict", "this would lock somebody out", {
  issues: [{ path: "acceptLockout", message: "nobody reaches shop/web-1" }],
});
const stale = new WeftError("conflict", "somebody was faster", {
  issues: [{ path: "objects[0]", message: "a" }],
});

function cliThatSays(answer: boolean | undefined) {
  const recorded = recordOutput();
  const questions: string[] = [];
  const ask = async (question: string) => {
    questions.push(question);
    return answer === true;
  };
  const cli = new Cli({ output: recorded.output, env: {}, ask: answer === undefined ? undefined : ask });
  return { cli, questions, err: recorded.err };
}

test("whoever says yes makes the change", async () => {
  const client = server(lockOut);
  const { cli, questions, err } = cliThatSays(true);
  expect(await transactOrAsk(cli, client, { message: "m" })).toEqual(done);
  expect(client.asked).toEqual([{ message: "m" }, { message: "m", acceptLockout: true }]);
  expect(questions).toHaveLength(1);
  expect(err()).toContain("nobody reaches shop/web-1");
});

test("whoever says no gets the server's refusal", async () => {
  const client = server(lockOut);
  const refusal: unknown = await transactOrAsk(cliThatSays(false).cli, client, {}).catch(
    (error: unknown) => error,
  );
  expect(refusal).toMatchObject({ code: "conflict", cause: lockOut });
  expect(String(refusal)).toContain("nobody reaches shop/web-1");
  expect(client.asked).toHaveLength(1);
});

test("a program is not asked", async () => {
  const client = server(lockOut);
  const refusal: unknown = await transactOrAsk(cliThatSays(undefined).cli, client, {}).catch(
    (error: unknown) => error,
  );
  expect(refusal).toMatchObject({ code: "conflict", cause: lockOut });
  expect(String(refusal)).toContain("nobody reaches shop/web-1");
  expect(client.asked).toHaveLength(1);
});

test("another conflict is no lock-out", async () => {
  const { cli, questions } = cliThatSays(true);
  const refusal: unknown = await transactOrAsk(cli, server(stale), {}).catch((reason: unknown) => reason);
  expect(refusal).toBe(stale);
  expect(questions).toEqual([]);
});
