/** Who is told of every exchange that ends, in this order. Golden signals are counted first and by the series themselves. */
import type { BodyCaptures } from "./body-capture.ts";
import type { HttpOutcome, TcpOutcome } from "./outcome.ts";

/** Must not throw, and must not keep the outcome: what it holds is the exchange's own. */
export interface TrafficObserver {
  http(outcome: HttpOutcome): void;
  tcp(outcome: TcpOutcome): void;
  /** It reads `times` and `tries.records`. */
  readonly wantsTimes: boolean;
}

export class Observers {
  #list: readonly TrafficObserver[] = [];
  /** Some observer does. Asked for each request, so it is a field. */
  wantsTimes = false;
  /** Who keeps the beginnings of bodies; undefined: nobody wants them. Asked for each request. */
  bodies: BodyCaptures | undefined = undefined;

  get list(): readonly TrafficObserver[] {
    return this.#list;
  }

  /** Whoever is told from now on; the order is kept. */
  set(list: readonly TrafficObserver[]): void {
    this.#list = list;
    this.wantsTimes = list.some((observer) => observer.wantsTimes);
  }

  http(outcome: HttpOutcome): void {
    for (const observer of this.#list) observer.http(outcome);
  }

  tcp(outcome: TcpOutcome): void {
    for (const observer of this.#list) observer.tcp(outcome);
  }
}
