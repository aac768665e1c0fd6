/** Where what came of a request in a running mesh is not what the oracle foretold. */
import type { Foretold } from "./foretell.ts";
import { compareCors } from "./compare-cors.ts";
import { isPreflightStatus } from "./cors-by-the-text.ts";
import { Differences, requestNames } from "./differences.ts";
import { editByTheText, type Fields } from "./rewriting-by-the-text.ts";
import type { Question } from "./applied.ts";
import type { LiveAnswer } from "./live-mesh.ts";
import { answerFields } from "./recording-backend.ts";
import { servicePorts } from "./world.ts";

const answerNames = ["x-ra", "x-rb", "x-rc", "x-rd"] as const;

export function liveDifferences(question: Question, whole: Foretold, answer: LiveAnswer): string[] {
  const isSeen = answer.seen.length > 0;
  const foretold = whole.among.find(({ verdict }) => (verdict === "forwarded") === isSeen) ?? whole;
  const differences = new Differences();
  differences.compare("failure", answer.failure, "");
  const isForwarded = foretold.verdict === "forwarded";
  // What is no server of gRPC answers as it likes.
  if (question.isGrpc && foretold.backend.endsWith(`:${servicePorts.http}`) && isForwarded) {
    differences.compare("status", answer.status, 200);
  } else if (question.isGrpc) {
    const status = answer.trailers["grpc-status"] ?? answer.headers["grpc-status"];
    if (foretold.verdict === "answered" && foretold.reason === "") {
      // A redirect is no answer to a call; that it is no success is all that is said of it.
      differences.compare("fails", status !== undefined && status !== "0", true);
    } else differences.compare("grpc-status", status, String(foretold.status ?? 0));
  } else if (foretold.cors?.isPreflight === true) {
    differences.compare("status", isPreflightStatus(foretold.cors, answer.status), true);
  } else {
    differences.compare("status", answer.status, foretold.status ?? 200);
    differences.compare("location", answer.headers["location"], foretold.location);
  }
  differences.compare(
    "backend",
    answer.seen.map(({ backend }) => backend),
    isForwarded ? [foretold.backend] : [],
  );
  if (foretold.cors !== undefined && (foretold.cors.isPreflight || isForwarded)) {
    compareCors(differences, foretold.cors, (name) => answer.headers[name]);
  }
  if (isForwarded) compareCopies(differences, foretold, answer);
  const [seen] = answer.seen;
  if (seen === undefined || foretold.sent === undefined) return differences.lines;
  const { authority, target, fields } = foretold.sent;
  if (!foretold.endpoints.includes(seen.workload)) {
    differences.compare("workload", seen.workload, foretold.endpoints);
  }
  differences.compare("method", seen.method, question.method);
  differences.compare("authority", seen.authority, authority);
  differences.compare("target", seen.target, target);
  differences.compareFields("request's", (name) => seen.headers[name], fields, requestNames);
  const theirs: Fields = new Map(answerFields.map(([name, value]) => [name, [value]]));
  const edited = foretold.answerEdits.reduce((before, edit) => editByTheText(before, edit), theirs);
  differences.compareFields("answer's", (name) => answer.headers[name], edited, answerNames);
  return differences.lines;
}

/** Those that must arrive, and whichever of those that may. */
function compareCopies(differences: Differences, { copies }: Foretold, { copies: found }: LiveAnswer): void {
  const rest = found.map(({ backend }) => backend);
  const missing = copies.sure.filter((mirror) => {
    const at = rest.indexOf(mirror);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  const surplus = rest.filter((backend) => !copies.possible.includes(backend));
  differences.compare("missing copies", missing, []);
  differences.compare("copies", surplus, []);
}
