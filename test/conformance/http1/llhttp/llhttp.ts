/** llhttp, the parser of Node, without any of its leniencies, as an oracle: what messages it sees in some bytes. */
import wasm from "undici/lib/llhttp/llhttp-wasm.js";
import type { Message, Reading } from "./reading.ts";

/** `llhttp_errno` of an upgrade: the bytes behind it are not HTTP. */
const pausedUpgrade = 22;
const types = { request: 1, response: 2 } as const;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly malloc: (size: number) => number;
  readonly free: (pointer: number) => void;
  readonly _initialize: () => void;
  readonly llhttp_alloc: (type: number) => number;
  readonly llhttp_free: (parser: number) => void;
  readonly llhttp_execute: (parser: number, data: number, length: number) => number;
  readonly llhttp_finish: (parser: number) => number;
  readonly llhttp_get_method: (parser: number) => number;
  readonly llhttp_method_name: (method: number) => number;
  readonly llhttp_get_error_reason: (parser: number) => number;
  readonly llhttp_should_keep_alive: (parser: number) => number;
}

interface Building {
  method: string;
  target: string;
  status: number;
  fields: [string, string][];
  trailers: [string, string][];
  body: string;
  isHeadDone: boolean;
  isName: boolean;
}

export class Llhttp {
  readonly #exports: Exports;
  #parser = 0;
  #building: Building = startBuilding();
  #messages: Message[] = [];
  #isHead = false;

  constructor() {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: this.#callbacks() });
    if (!isExports(instance.exports)) throw new Error("undici's llhttp has other exports than expected");
    this.#exports = instance.exports;
    this.#exports._initialize();
  }

  /** `fin`: the bytes end the connection. `isHead`: a response to HEAD. */
  read(
    kind: "request" | "response",
    bytes: Uint8Array,
    options: { readonly fin: boolean; readonly isHead: boolean },
  ): Reading {
    const { memory, malloc, free, llhttp_alloc, llhttp_execute, llhttp_finish, llhttp_free } = this.#exports;
    this.#messages = [];
    this.#building = startBuilding();
    this.#isHead = options.isHead;
    const parser = llhttp_alloc(types[kind]);
    this.#parser = parser;
    const data = malloc(bytes.length);
    new Uint8Array(memory.buffer).set(bytes, data);
    let code = llhttp_execute(parser, data, bytes.length);
    if (code === 0 && options.fin) code = llhttp_finish(parser);
    const isUpgrade = code === pausedUpgrade;
    const error =
      code === 0 || isUpgrade ? undefined : this.#text(this.#exports.llhttp_get_error_reason(parser));
    free(data);
    llhttp_free(parser);
    return { messages: this.#messages, error, isUpgrade };
  }

  #callbacks(): Record<string, (parser: number, at: number, length: number) => number> {
    const slice = (at: number, length: number): string =>
      Buffer.from(this.#exports.memory.buffer, at, length).toString("latin1");
    return {
      wasm_on_message_begin: () => {
        this.#building = startBuilding();
        return 0;
      },
      wasm_on_url: (_parser, at, length) => {
        this.#building.target += slice(at, length);
        return 0;
      },
      wasm_on_status: () => 0,
      wasm_on_header_field: (_parser, at, length) => {
        const building = this.#building;
        const lines = building.isHeadDone ? building.trailers : building.fields;
        const last = lines.at(-1);
        if (building.isName && last !== undefined) last[0] += slice(at, length);
        else lines.push([slice(at, length), ""]);
        building.isName = true;
        return 0;
      },
      wasm_on_header_value: (_parser, at, length) => {
        const building = this.#building;
        const last = (building.isHeadDone ? building.trailers : building.fields).at(-1);
        if (last !== undefined) last[1] += slice(at, length);
        building.isName = false;
        return 0;
      },
      wasm_on_headers_complete: (_parser, status) => {
        const building = this.#building;
        building.status = status;
        const method = this.#exports.llhttp_get_method(this.#parser);
        building.method = this.#text(this.#exports.llhttp_method_name(method));
        building.isHeadDone = true;
        building.isName = false;
        return this.#isHead ? 1 : 0;
      },
      wasm_on_body: (_parser, at, length) => {
        this.#building.body += slice(at, length);
        return 0;
      },
      wasm_on_message_complete: () => {
        const { method, target, status, fields, trailers, body } = this.#building;
        const trimmed = fields.map(([name, value]): [string, string] => [name, value.replace(/[ \t]+$/, "")]);
        this.#messages.push({ method, target, status, fields: trimmed, trailerCount: trailers.length, body });
        return 0;
      },
    };
  }

  #text(pointer: number): string {
    const memory = new Uint8Array(this.#exports.memory.buffer);
    return Buffer.from(memory.subarray(pointer, memory.indexOf(0, pointer))).toString("latin1");
  }
}

function startBuilding(): Building {
  return {
    method: "",
    target: "",
    status: 0,
    fields: [],
    trailers: [],
    body: "",
    isHeadDone: false,
    isName: false,
  };
}

function isExports(exports: object): exports is Exports {
  return (
    "memory" in exports && "malloc" in exports && "llhttp_execute" in exports && "llhttp_finish" in exports
  );
}
