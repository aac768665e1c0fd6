/** The fields with which a server, or a proxy in its place, begins a response and tells its status. */
import { HeaderFields } from "../http2/index.ts";
import { encodeGrpcMessage } from "./message-text.ts";

/** Shared: never added to. */
export const responseHead = HeaderFields.of([
  [":status", "200"],
  ["content-type", "application/grpc"],
]);

/** Behind a response that had begun. */
export function statusTrailers(status: number, message: string): HeaderFields {
  return addStatus(new HeaderFields(), status, message);
}

/** The whole response, sent with END_STREAM: HTTP's status is 200 whatever the call's is. */
export function trailersOnlyHead(status: number, message: string): HeaderFields {
  return addStatus(HeaderFields.of(responseHead.entries()), status, message);
}

function addStatus(fields: HeaderFields, status: number, message: string): HeaderFields {
  fields.add("grpc-status", String(status));
  return message === "" ? fields : fields.add("grpc-message", encodeGrpcMessage(message));
}
