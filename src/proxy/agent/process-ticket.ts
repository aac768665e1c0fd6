/** Asks the machine's attestation socket who this process is. Nothing is sent: the kernel tells the other end what it needs. */
import { type Clock, WeftError } from "../../kernel/index.ts";
import { connect, type Connection } from "../../net/index.ts";

export interface ExpectedSubject {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly clock: Clock;
}

/** Longer than the other end takes at most. */
const answerTimeoutMs = 15_000;
const maxAnswerBytes = 4_096;
const maxTicketLength = 128;

/** Rejects with what the socket said, and where it knows this process as somebody else than the bootstrap does. */
export async function askForTicket(path: string, expected: ExpectedSubject): Promise<string> {
  const { clock, namespace, serviceAccount } = expected;
  const answer = parseAnswer(await readAnswer(await open(path, clock), path, clock), path);
  if (answer.namespace !== namespace || answer.serviceAccount !== serviceAccount) {
    throw new WeftError(
      "forbidden",
      `the attestation socket knows this process as ${answer.namespace}/${answer.serviceAccount}, not as ${namespace}/${serviceAccount}`,
      { hint: "correct the rules of the control plane, or the workload in the bootstrap" },
    );
  }
  return answer.ticket;
}

function open(path: string, clock: Clock): Promise<Connection> {
  return new Promise((resolve, reject) => {
    connect({ address: "", port: 0, unixPath: path, timeoutMs: answerTimeoutMs, clock }, (result) => {
      if ("write" in result) return resolve(result);
      reject(
        new WeftError("unreachable", `the attestation socket ${path} cannot be reached: ${result.detail}`, {
          hint: "is the control plane of this machine running, with --attestation-socket?",
        }),
      );
    });
  });
}

function readAnswer(connection: Connection, path: string, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    const fail = (code: "timeout" | "bad_input", problem: string): void => {
      reject(new WeftError(code, `the attestation socket ${path} ${problem}`));
      connection.terminate();
    };
    const timer = clock.after(answerTimeoutMs, () => fail("timeout", "does not answer"));
    const finish = (): void => {
      timer.cancel();
      resolve(Buffer.concat(parts).toString("utf8"));
      connection.terminate();
    };
    connection.sink = {
      onData(chunk) {
        size += chunk.length;
        if (size > maxAnswerBytes) return fail("bad_input", "says more than an answer is long");
        parts.push(Uint8Array.from(chunk));
        if (chunk.includes(0x0a)) finish();
      },
      onDrain() {},
      onEnd: finish,
      onClose: finish,
    };
  });
}

interface Answer {
  readonly ticket: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

function parseAnswer(text: string, path: string): Answer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined; // no answer, or none that is JSON: the same to us
  }
  const error = fieldOf(value, "error");
  if (error !== undefined) {
    const message = textOf(error, "message") ?? "it does not say why";
    throw new WeftError("unauthenticated", `the attestation socket ${path} refuses: ${message}`);
  }
  const [ticket, namespace, serviceAccount] = ["ticket", "namespace", "serviceAccount"].map((name) =>
    textOf(value, name),
  );
  const isWhole = ticket !== undefined && namespace !== undefined && serviceAccount !== undefined;
  if (!isWhole || ticket.length > maxTicketLength || !/^[\x21-\x7e]+$/.test(ticket)) {
    throw new WeftError("bad_input", `the attestation socket ${path} gives no answer that can be read`);
  }
  return { ticket, namespace, serviceAccount };
}

function textOf(value: unknown, name: string): string | undefined {
  const field = fieldOf(value, name);
  return typeof field === "string" ? field : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)).get(name) : undefined;
}
