export { isSameName } from "./edited-fields.ts";
export { Http2Request } from "./http2-request.ts";
export { Http2Response } from "./http2-response.ts";
export {
  type HttpRequest,
  type HttpResponse,
  type HttpVersion,
  isBodiless,
  isPlainConnect,
  isSwitch,
  type RequestRewrite,
  type Trailers,
  upgradeOf,
} from "./http-message.ts";
export {
  encodeAsHttp1Request,
  encodeAsHttp1Response,
  http1Obstacle,
  http1RequestFraming,
  http1ResponseFraming,
  http1ResponseObstacle,
} from "./to-http1.ts";
export { http2RequestFields, http2ResponseFields } from "./to-http2.ts";
export { trailerFields, trailerLines, trailersWithout } from "./trailers.ts";
export { newWebSocketKey, webSocketAccept } from "./websocket.ts";
export { writeChunk } from "./write-chunk.ts";
