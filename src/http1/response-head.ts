/** A response's head. */
import { MessageHead } from "./message-head.ts";

export class ResponseHead extends MessageHead {
  /** 100 to 999. */
  status: number;
  /** Of the three digits; the reason phrase ends at `statusLineEnd`. */
  statusStart: number;
  statusLineEnd: number;

  constructor() {
    super();
    this.status = 0;
    this.statusStart = 0;
    this.statusLineEnd = 0;
  }

  get reasonPhrase(): string {
    return this.text(Math.min(this.statusStart + 4, this.statusLineEnd), this.statusLineEnd);
  }
}
