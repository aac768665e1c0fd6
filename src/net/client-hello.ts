/**
 * Reads the TLS ClientHello (RFC 8446 4.1.2) that opens a connection, before anybody answers it: what a gateway needs to
 * choose a certificate or a backend. Strict, because what we read here must be what the server behind us reads. Under
 * Encrypted ClientHello this is the outer one: the public name, which is all that anybody on the way may know.
 */
import { type ClientHello, parseHelloBody } from "./client-hello-body.ts";

/** Alert descriptions, RFC 8446 6. */
export const tlsAlerts = {
  unexpectedMessage: 10,
  recordOverflow: 22,
  illegalParameter: 47,
  accessDenied: 49,
  decodeError: 50,
  unrecognizedName: 112,
} as const;

/** `alert` undefined: the client does not speak TLS, so an alert would only confuse it. */
export interface BadHello {
  readonly kind: "bad";
  readonly alert: number | undefined;
}

/** Clients' are 200 to 2,000 bytes; with post-quantum keys and an old session's ticket no more than 8,000. */
const maxMessageBytes = 16 * 1024;
/** With the records' headers. A client that needs more cuts its hello into crumbs. */
const maxRawBytes = 32 * 1024;
/** RFC 8446 5.1. */
const maxRecordBytes = 16 * 1024;
const recordHeaderBytes = 5;
const messageHeaderBytes = 4;

const handshakeRecord = 22;
const clientHello = 1;
/** All versions of TLS have it; what a record claims beyond it is to be ignored (RFC 8446 5.1). */
const majorVersion = 3;

export class ClientHelloReader {
  /** Where the next record begins in the bytes that came so far. */
  #at: number;
  /** The message, put together from its records. Not used where one record holds it all. */
  #message: Uint8Array;
  #length: number;

  constructor() {
    this.#at = 0;
    this.#message = new Uint8Array(0);
    this.#length = 0;
  }

  /** `bytes`: all that came so far, the same as before with more behind it. Undefined: more is needed. */
  read(bytes: Uint8Array): ClientHello | BadHello | undefined {
    for (;;) {
      const at = this.#at;
      const type = bytes[at];
      if (type === undefined) return undefined;
      if (type !== handshakeRecord) return bad(at === 0 ? undefined : tlsAlerts.unexpectedMessage);
      const major = bytes[at + 1];
      if (major === undefined) return undefined;
      if (major !== majorVersion) return bad(at === 0 ? undefined : tlsAlerts.decodeError);
      if (bytes.length < at + recordHeaderBytes) return undefined;
      const length = ((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0);
      // Fragments of handshake messages must not be empty (RFC 8446 5.1).
      if (length === 0) return bad(tlsAlerts.unexpectedMessage);
      if (length > maxRecordBytes) return bad(tlsAlerts.recordOverflow);
      const start = at + recordHeaderBytes;
      const end = start + length;
      if (end > maxRawBytes) return bad(tlsAlerts.decodeError);
      if (bytes.length < end) return undefined;
      this.#at = end;
      const result = this.#push(bytes.subarray(start, end));
      if (result !== undefined) return result;
    }
  }

  #push(fragment: Uint8Array): ClientHello | BadHello | undefined {
    const message = this.#length === 0 ? fragment : this.#joined(fragment);
    if (message[0] !== clientHello) return bad(tlsAlerts.unexpectedMessage);
    if (message.length >= messageHeaderBytes) {
      const length = ((message[1] ?? 0) << 16) | ((message[2] ?? 0) << 8) | (message[3] ?? 0);
      const end = messageHeaderBytes + length;
      if (end > maxMessageBytes) return bad(tlsAlerts.decodeError);
      // Nothing may come behind the hello in its record: the client cannot know yet what to say.
      if (message.length > end) return bad(tlsAlerts.unexpectedMessage);
      if (message.length === end) {
        return parseHelloBody(message.subarray(messageHeaderBytes)) ?? bad(tlsAlerts.decodeError);
      }
    }
    if (this.#length === 0) this.#joined(fragment);
    return undefined;
  }

  #joined(fragment: Uint8Array): Uint8Array {
    const length = this.#length + fragment.length;
    if (length > this.#message.length) {
      const larger = new Uint8Array(Math.min(2 * length, messageHeaderBytes + maxRawBytes));
      larger.set(this.#message.subarray(0, this.#length));
      this.#message = larger;
    }
    this.#message.set(fragment, this.#length);
    this.#length = length;
    return this.#message.subarray(0, length);
  }
}

/** A fatal alert in a plain record, as a server sends it before keys are agreed on. */
export function encodeAlert(description: number): Uint8Array {
  return Uint8Array.of(21, majorVersion, 3, 0, 2, 2, description);
}

function bad(alert: number | undefined): BadHello {
  return { kind: "bad", alert };
}
