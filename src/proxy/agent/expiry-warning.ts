/**
 * Says loudly, and long before, that a certificate is about to end without a newer one: at three quarters of its life, at nine
 * tenths, and every hour from then on. Renewal is due at half of it, so each of these means that something is wrong.
 */
import type { Clock, Log } from "../../kernel/index.ts";

interface Life {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const firstShare = 0.75;
const secondShare = 0.9;
const repeatMs = 3_600_000;

export class ExpiryWarning {
  readonly #log: Log;
  readonly #clock: Clock;
  #life: Life | undefined;
  #nextMs = Infinity;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  begin(life: Life): void {
    this.#life = life;
    this.#nextMs = momentOf(life, firstShare);
  }

  /** Called at least every minute. `cause`: why there is no newer certificate. */
  look(cause: string): void {
    const nowMs = this.#clock.nowMs();
    const life = this.#life;
    if (life === undefined || nowMs < this.#nextMs) return;
    const secondMs = momentOf(life, secondShare);
    this.#nextMs = nowMs < secondMs ? secondMs : nowMs + repeatMs;
    const fields = {
      notAfter: new Date(life.notAfterMs).toISOString(),
      cause: cause === "" ? undefined : cause,
    };
    if (nowMs >= life.notAfterMs) {
      this.#log.error(
        "the certificate is expired: no peer is taken or dialled until there is a new one",
        fields,
      );
      return;
    }
    // The end itself is said too.
    this.#nextMs = Math.min(this.#nextMs, life.notAfterMs);
    const percent = Math.floor(((nowMs - life.notBeforeMs) / (life.notAfterMs - life.notBeforeMs)) * 100);
    const text = `${percent} % of the certificate's life is over and it could not be renewed`;
    if (nowMs < secondMs) this.#log.warn(text, fields);
    else this.#log.error(text, fields);
  }
}

function momentOf({ notBeforeMs, notAfterMs }: Life, share: number): number {
  return notBeforeMs + (notAfterMs - notBeforeMs) * share;
}
