/** Every message that a proxy may meet, with the functions that make, read and write them: loaded as it is, and built. */
import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import * as model from "../../../model/index.ts";
import * as externalAuthorization from "../../../wire/external-authorization/index.ts";
import * as wire from "../../../wire/index.ts";
import * as rateLimit from "../../../wire/rate-limit/index.ts";

export const schemas: readonly DescMessage[] = [
  AnySchema,
  ...[model, wire, externalAuthorization, rateLimit]
    .flatMap((room) => Object.values(room))
    .flatMap((each) => (typeof each === "object" && "kind" in each && each.kind === "message" ? [each] : [])),
];

export const services = [
  wire.AggregatedDiscoveryService,
  wire.Certificates,
  wire.Telemetry,
  wire.Workloads,
].map(({ typeName, method }) => ({
  typeName,
  methods: Object.entries(method).map(
    ([key, { name, methodKind, input, output, parent }]) =>
      `${key} ${name} ${methodKind} ${input.typeName} ${output.typeName} ${parent.typeName}`,
  ),
}));

export const enums = {
  direction: wire.Direction,
  sessionProtocol: wire.SessionProtocol,
  health: model.Health,
  mtlsMode: model.MtlsMode,
  protocol: model.Protocol,
  tunnel: model.Tunnel,
};

export { create, fromBinary, toBinary };
