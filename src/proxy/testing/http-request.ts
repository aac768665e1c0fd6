/** Heads for tests, parsed as they would come from a client. */
import { type RequestHead, RequestParser } from "../../http1/index.ts";
import type { UpstreamRequest } from "../upstream/http-upstream.ts";

function http1Request(text: string): RequestHead {
  const heads: RequestHead[] = [];
  const parser = new RequestParser({
    onHead: (head) => void heads.push(head),
    onBody() {},
    onMessageEnd() {},
    onError: (reason, detail) => {
      throw new Error(`${reason}: ${detail}`);
    },
  });
  parser.push(Buffer.from(text, "latin1"));
  const [head] = heads;
  if (head === undefined) throw new Error("no head");
  return head;
}

export function upstreamRequest(head: UpstreamRequest["head"] = http1Request(plainGet)): UpstreamRequest {
  return { head, edits: undefined, lines: [], scheme: "http", isUpgrade: false };
}

const plainGet = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
