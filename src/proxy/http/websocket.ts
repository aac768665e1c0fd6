/**
 * WebSocket's opening handshake between versions of HTTP: over HTTP/1.1 a key is answered by its digest (RFC 6455 section
 * 4), over HTTP/2 neither exists (RFC 8441 section 5), so the proxy makes or checks them.
 */
import { createHash, randomBytes } from "node:crypto";

/** RFC 6455 section 1.3. */
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Of the handshake over HTTP/1.1; meaningless over HTTP/2. */
export const handshakeFields: ReadonlySet<string> = new Set(["sec-websocket-key", "sec-websocket-accept"]);

export function newWebSocketKey(): string {
  return randomBytes(16).toString("base64");
}

export function webSocketAccept(key: string): string {
  return createHash("sha1")
    .update(key + acceptSuffix)
    .digest("base64");
}
