/** A response as it came over HTTP/2. */
import type { HeaderFields } from "../../http2/index.ts";
import { joinedValue } from "./joined-value.ts";

export class Http2Response {
  readonly fields: HeaderFields;
  readonly status: number;
  /** The head ended the response: it has no body. */
  readonly isEnd: boolean;

  /** `fields` has passed the codec's check of responses: `:status` comes first. */
  constructor(fields: HeaderFields, isEnd: boolean) {
    this.fields = fields;
    this.status = Number(fields.values[0]);
    this.isEnd = isEnd;
  }

  get(nameLower: string): string | undefined {
    return joinedValue(this.fields, nameLower);
  }
}
