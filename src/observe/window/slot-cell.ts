/** The counts of one series in the slot of time that is open. Cells are cleared and used again for the next slot. */
import { Histogram } from "../../kernel/index.ts";

export class SlotCell {
  count = 0;
  requestBytes = 0;
  responseBytes = 0;
  readonly durations = new Histogram();

  clear(): void {
    this.count = 0;
    this.requestBytes = 0;
    this.responseBytes = 0;
    this.durations.clear();
  }
}
