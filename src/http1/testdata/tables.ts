/** All vectors: of requests, and of responses. */
import { chunkVectors } from "./chunk-vectors.ts";
import { connectionVectors } from "./connection-vectors.ts";
import { hostVectors } from "./host-vectors.ts";
import { requestBodyVectors } from "./request-body-vectors.ts";
import { requestFieldVectors } from "./request-field-vectors.ts";
import { requestFramingVectors } from "./request-framing-vectors.ts";
import { requestLineVectors } from "./request-line-vectors.ts";
import { requestVectors } from "./request-vectors.ts";
import { responseBodyVectors } from "./response-body-vectors.ts";
import { responseLineVectors } from "./response-line-vectors.ts";
import { responseVectors } from "./response-vectors.ts";
import type { Vector } from "./vector.ts";

export const allRequestVectors: readonly Vector[] = [
  ...requestVectors,
  ...requestLineVectors,
  ...hostVectors,
  ...requestFieldVectors,
  ...requestFramingVectors,
  ...requestBodyVectors,
  ...chunkVectors,
  ...connectionVectors,
];

export const allResponseVectors: readonly Vector[] = [
  ...responseVectors,
  ...responseLineVectors,
  ...responseBodyVectors,
];
