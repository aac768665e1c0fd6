/** A request's head. Has the shape in which `decide/` looks at requests: method, path, query, header(). */
import { commonMethod } from "./method-text.ts";
import { MessageHead } from "./message-head.ts";

/** RFC 9112 3.2.1 to 3.2.4. */
export type TargetForm = "origin" | "absolute" | "authority" | "asterisk";

export class RequestHead extends MessageHead {
  /** The sender waits for 100 before it sends the body. */
  expectContinue: boolean;
  /**
   * The client offers HTTP/2 by Upgrade. For this hop to take or leave and never passed on: behind a 101 an upstream would
   * serve streams that no hop has looked at. `hasUpgrade` is false then.
   */
  asksForH2c: boolean;
  form: TargetForm;
  methodStart: number;
  methodEnd: number;
  targetStart: number;
  targetEnd: number;
  /** Within the target; empty for the asterisk and authority forms and where an absolute form has no path. */
  pathStart: number;
  pathEnd: number;
  hasHost: boolean;
  /** Of the Host field's value; without one, of the authority in an absolute form. */
  hostStart: number;
  hostEnd: number;
  #method: string | undefined;
  #path: string | undefined;

  constructor() {
    super();
    this.expectContinue = false;
    this.asksForH2c = false;
    this.form = "origin";
    this.methodStart = 0;
    this.methodEnd = 0;
    this.targetStart = 0;
    this.targetEnd = 0;
    this.pathStart = 0;
    this.pathEnd = 0;
    this.hasHost = false;
    this.hostStart = 0;
    this.hostEnd = 0;
    this.#method = undefined;
    this.#path = undefined;
  }

  /** Case-sensitive, as sent. */
  get method(): string {
    this.#method ??=
      commonMethod(this.bytes, this.methodStart, this.methodEnd) ??
      this.text(this.methodStart, this.methodEnd);
    return this.#method;
  }

  /** As sent. */
  get target(): string {
    return this.text(this.targetStart, this.targetEnd);
  }

  /** What stands before "?"; "/" where an absolute form has none, "*" and "" for the forms without a path. */
  get path(): string {
    this.#path ??= this.#decodePath();
    return this.#path;
  }

  /** What stands after the first "?"; "" where there is none. */
  get query(): string {
    return this.hasQuery ? this.text(this.pathEnd + 1, this.targetEnd) : "";
  }

  get hasQuery(): boolean {
    return (this.form === "origin" || this.form === "absolute") && this.pathEnd < this.targetEnd;
  }

  /** Host and port as the client names them; "" where an HTTP/1.0 request names none. */
  get authority(): string {
    return this.text(this.hostStart, this.hostEnd);
  }

  header(nameLower: string): string | undefined {
    return this.get(nameLower);
  }

  #decodePath(): string {
    if (this.form === "asterisk") return "*";
    if (this.form === "authority") return "";
    if (this.pathStart < this.pathEnd) return this.text(this.pathStart, this.pathEnd);
    // RFC 9112 3.2.4: OPTIONS of an absolute form with neither path nor query asks about the server as a whole.
    return this.method === "OPTIONS" && !this.hasQuery ? "*" : "/";
  }
}
