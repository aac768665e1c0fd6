/** The end of a connection to a port that declares HTTP and behind which a server speaks first (SMTP, MySQL, SSH). */
import type { Connection } from "../../net/index.ts";
import type { ServeContext } from "./context.ts";
import type { HttpService } from "./http-service.ts";
import { recordUnread } from "./outcome.ts";

/** A reset, since an answer of HTTP would be read as the server's greeting. */
export function refuseServerFirst(connection: Connection, context: ServeContext, service: HttpService): void {
  recordUnread(context, {
    service,
    requestId: context.requestIds.next(),
    reason: "protocol_mismatch",
    detail: "the port is declared as HTTP and its server speaks first, which no server of HTTP does",
    peerAddress: connection.remoteAddress,
  });
  connection.terminate();
}
