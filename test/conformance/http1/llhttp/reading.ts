/** What a parser sees in some bytes: whole messages, then perhaps what is wrong. Ours, in the shape in which llhttp's is told. */
import { RequestParser, ResponseParser } from "../../../../src/http1/index.ts";
import type { MessageHead } from "../../../../src/http1/message-head.ts";

export interface Message {
  /** Empty for responses. */
  readonly method: string;
  readonly target: string;
  /** 0 for requests. */
  readonly status: number;
  readonly fields: readonly (readonly [string, string])[];
  readonly trailerCount: number;
  readonly body: string;
}

export interface Reading {
  readonly messages: readonly Message[];
  /** Undefined where nothing is wrong, so far. */
  readonly error: string | undefined;
  /** What follows is not HTTP. */
  readonly isUpgrade: boolean;
}

export function readRequests(bytes: Buffer): Reading {
  const messages: Message[] = [];
  let open: { method: string; target: string; head: MessageHead } | undefined;
  let body = "";
  let error: string | undefined;
  let isUpgrade = false;
  const parser: RequestParser = new RequestParser({
    onHead(head) {
      open = { method: head.method, target: head.target, head };
      body = "";
      if (head.form === "authority" || head.hasUpgrade || head.asksForH2c) isUpgrade = true;
    },
    onBody(data) {
      body += Buffer.from(data).toString("latin1");
    },
    onMessageEnd() {
      if (open === undefined) return;
      const { method, target, head } = open;
      messages.push({ method, target, status: 0, fields: fieldsOf(head), trailerCount: 0, body });
      if (!isUpgrade && head.keepAlive) parser.next();
    },
    onError(reason, detail) {
      error = `${reason}: ${detail}`;
    },
  });
  parser.push(bytes);
  return { messages, error, isUpgrade };
}

export function readResponses(
  bytes: Buffer,
  options: { readonly fin: boolean; readonly isHead: boolean },
): Reading {
  const messages: Message[] = [];
  let open: { status: number; head: MessageHead } | undefined;
  let body = "";
  let error: string | undefined;
  let isUpgrade = false;
  const add = (status: number, head: MessageHead, body: string): void => {
    messages.push({ method: "", target: "", status, fields: fieldsOf(head), trailerCount: 0, body });
  };
  const method = options.isHead ? "HEAD" : "GET";
  const parser: ResponseParser = new ResponseParser({
    onInterim: (head) => add(head.status, head, ""),
    onHead(head) {
      open = { status: head.status, head };
      body = "";
      isUpgrade = head.status === 101;
    },
    onBody(data) {
      body += Buffer.from(data).toString("latin1");
    },
    onMessageEnd() {
      if (open === undefined) return;
      add(open.status, open.head, body);
      if (open.head.keepAlive && !isUpgrade) parser.expect(method, true);
    },
    onError(_reason, detail) {
      error = detail;
    },
  });
  parser.expect(method, true);
  parser.push(bytes);
  if (options.fin) parser.end();
  return { messages, error, isUpgrade };
}

function fieldsOf(head: MessageHead): [string, string][] {
  return Array.from({ length: head.headerCount }, (_, at): [string, string] => [
    head.text(head.nameStart(at), head.nameEnd(at)),
    head.valueAt(at),
  ]);
}
