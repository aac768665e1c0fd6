/** nghttpx, one worker. */
import { programPeer } from "./program-peer.ts";

export const nghttpx = programPeer({
  name: "nghttpx",
  program: () => Bun.which("nghttpx"),
  install: "nghttpx (apt install nghttp2-proxy)",
  versionArguments: ["--version"],
  versionPattern: /nghttp2\/([\d.]+)/,
  templates: { http2: "nghttpx/http2.conf", grpc: "nghttpx/http2.conf" },
  fileName: "nghttpx.conf",
  command: (program, file) => [program, "--conf", file],
});
