/**
 * What a process gets that was looked at and known: a ticket for one certificate, good for a minute. Kept as hashes, as join
 * tokens are, but in memory only: after a restart there is none that could be used, or used again.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../../kernel/index.ts";
import type { AttestationRefusal, AttestedSubject, Attestor } from "./attestor.ts";

export const ticketLifeMs = 60_000;
/** How long a ticket that is of no use any more still says why. */
const rememberMs = 60_000;
/** With what is remembered: two minutes of eighty a second. */
const maxTickets = 10_000;
const ticketBytes = 32;
const ticketPrefix = "weft-process-";
const maxTicketLength = 128;

interface Issued {
  readonly subject: AttestedSubject;
  /** Monotonic: a wall clock that is set back must not lengthen a life. */
  readonly endsMs: number;
  isUsed: boolean;
}

export class ProcessTickets implements Attestor {
  readonly name = "process_ticket";
  readonly #clock: Clock;
  /** By hash, the oldest first. */
  readonly #issued = new Map<string, Issued>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Give it to the process, keep it nowhere. Undefined: too many are out. */
  issue({ namespace, serviceAccount }: AttestedSubject): string | undefined {
    this.#forget();
    if (this.#issued.size >= maxTickets) return undefined;
    const ticket = ticketPrefix + randomBytes(ticketBytes).toString("base64url");
    this.#issued.set(hashOf(ticket), {
      subject: { namespace, serviceAccount },
      endsMs: this.#nowMs() + ticketLifeMs,
      isUsed: false,
    });
    return ticket;
  }

  async attest(ticket: string): Promise<AttestedSubject | AttestationRefusal> {
    const issued = ticket.length > maxTicketLength ? undefined : this.#issued.get(hashOf(ticket));
    if (issued === undefined) return refuse("untrusted", "the process ticket is not known here");
    if (issued.isUsed) return refuse("replayed", "the process ticket was used before");
    if (issued.endsMs <= this.#nowMs()) return refuse("expired", "the process ticket is expired");
    issued.isUsed = true;
    return issued.subject;
  }

  #forget(): void {
    const nowMs = this.#nowMs();
    for (const [hash, { endsMs }] of this.#issued) {
      if (endsMs + rememberMs > nowMs) return;
      this.#issued.delete(hash);
    }
  }

  #nowMs(): number {
    return this.#clock.monotonicUs() / 1_000;
  }
}

function hashOf(ticket: string): string {
  return createHash("sha256").update(ticket).digest("base64url");
}

function refuse(refusal: AttestationRefusal["refusal"], detail: string): AttestationRefusal {
  return { refusal, detail, hint: "ask the attestation socket for another one" };
}
