/** nghttpd, HTTP/2 without TLS: a small file, for gRPC with the type and the trailers that make it an answer. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Bench, freePort, loadCore } from "../processes.ts";
import { grpcMessage, grpcPath, smallBody } from "./answer.ts";

export async function startNghttpd(bench: Bench, kind: "http2" | "grpc"): Promise<number> {
  const port = freePort();
  const files = join(bench.directory, "files");
  const grpcFile = join(files, grpcPath);
  const typesFile = join(bench.directory, "mime.types");
  mkdirSync(dirname(grpcFile), { recursive: true });
  writeFileSync(join(files, "index.html"), smallBody);
  writeFileSync(grpcFile, grpcMessage());
  writeFileSync(typesFile, "application/grpc grpc\n");
  const grpc = ["--trailer", "grpc-status: 0", "--no-content-length"];
  const process = bench.start(loadCore, [
    ...["nghttpd", "--no-tls", "--address=127.0.0.1", `--htdocs=${files}`, `--mime-types-file=${typesFile}`],
    ...["--max-concurrent-streams=1000", ...(kind === "grpc" ? grpc : []), String(port)],
  ]);
  await process.listening(port);
  return port;
}
