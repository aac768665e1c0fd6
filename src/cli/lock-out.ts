/** A transaction that would shut somebody out is refused; whoever sits at a terminal is asked whether that is meant. */
import { acceptLockoutField, type TransactionRequest, type TransactionResponse } from "../api/index.ts";
import type { ApiClient } from "../client/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";

export const acceptLockoutOption = [
  "--accept-lockout",
  "make the change although somebody cannot reach afterwards what he reaches now",
] as const;

/** Throws what the server says; of a lock-out that is not meant, with the option that makes it all the same. */
export async function transactOrAsk(
  cli: Cli,
  client: Pick<ApiClient, "transact">,
  request: TransactionRequest,
): Promise<TransactionResponse> {
  return askAboutLockout(cli, (accepted) =>
    client.transact(accepted ? { ...request, acceptLockout: true } : request),
  );
}

/** `change` is made once more, accepting the lock-out, where whoever is asked says so. */
export async function askAboutLockout<T>(cli: Cli, change: (accepted: boolean) => Promise<T>): Promise<T> {
  try {
    return await change(false);
  } catch (error) {
    const shut = shutBy(error);
    if (shut.length === 0) throw error;
    if (cli.ask === undefined) throw refusedBy(error, shut);
    for (const text of shut) cli.output.note(text);
    if (!(await cli.ask("This locks somebody out. Make the change anyway?"))) throw refusedBy(error, shut);
    return change(true);
  }
}

function refusedBy(cause: unknown, shut: readonly string[]): WeftError {
  return new WeftError("conflict", `this would lock somebody out: ${shut.join("; ")}`, {
    cause,
    hint: "if that is meant, repeat it with --accept-lockout",
  });
}

function shutBy(error: unknown): string[] {
  if (!(error instanceof WeftError) || error.code !== "conflict") return [];
  return error.issues.filter(({ path }) => path === acceptLockoutField).map(({ message }) => message);
}
