/** What most proxies never need of the access log, each loaded when a policy first asks for it. */
import type { encodeAdded } from "./json-fields.ts";
import type { httpRecord, tcpRecord } from "./log-record.ts";
import type { TextLines } from "./text-lines.ts";

export class RareParts {
  #added: { readonly encodeAdded: typeof encodeAdded } | undefined = undefined;
  #records: { readonly httpRecord: typeof httpRecord; readonly tcpRecord: typeof tcpRecord } | undefined =
    undefined;
  #text: TextLines | undefined = undefined;

  get added(): { readonly encodeAdded: typeof encodeAdded } {
    return (this.#added ??= require("./json-fields.ts"));
  }

  get records(): { readonly httpRecord: typeof httpRecord; readonly tcpRecord: typeof tcpRecord } {
    return (this.#records ??= require("./log-record.ts"));
  }

  get text(): TextLines {
    if (this.#text !== undefined) return this.#text;
    const loaded: { readonly TextLines: typeof TextLines } = require("./text-lines.ts");
    this.#text = new loaded.TextLines();
    return this.#text;
  }
}
