/** Who comes in plaintext to ports that allow it: whom strict mTLS would cut off. */
import { create } from "@bufbuild/protobuf";
import { type PlaintextCaller, PlaintextCallerSchema } from "../../wire/index.ts";

/** Of (address, port) between two reports; the others are counted together, for each port. */
const maxCallers = 1_000;

export class PlaintextCallers {
  readonly #max: number;
  readonly #counts = new Map<string, { readonly address: string; readonly port: number; count: number }>();

  constructor(max = maxCallers) {
    this.#max = max;
  }

  /** `address` in canonical text, `port` of the application. */
  count(address: string, port: number): void {
    const key = `${address} ${port}`;
    const known = this.#counts.get(key);
    if (known !== undefined) known.count++;
    else if (this.#counts.size < this.#max || address === "")
      this.#counts.set(key, { address, port, count: 1 });
    else this.count("", port);
  }

  /** Those since the call before. */
  take(): PlaintextCaller[] {
    const taken = [...this.#counts.values()].map(({ address, port, count }) =>
      create(PlaintextCallerSchema, { address, port, count: BigInt(count) }),
    );
    this.#counts.clear();
    return taken;
  }
}
