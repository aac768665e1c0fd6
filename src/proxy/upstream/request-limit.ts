/** Requests that one cluster may have in flight from here. From a request's start to its end, whatever it is tried on. */
export class RequestLimit {
  max: number;
  #inFlight = 0;

  constructor(max: number) {
    this.max = max;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** False: the limit is reached, and there is nothing to `leave`. */
  enter(): boolean {
    if (this.#inFlight >= this.max) return false;
    this.#inFlight++;
    return true;
  }

  leave(): void {
    this.#inFlight--;
  }
}
