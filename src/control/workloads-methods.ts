/** The Workloads service, apart from the RPC layer: a proxy registers and takes out its own workload. */
import { create } from "@bufbuild/protobuf";
import { type SpiffeId, WeftError } from "../kernel/index.ts";
import type { Registry } from "../registry/index.ts";
import {
  type LeaveRequest,
  type LeaveResponse,
  LeaveResponseSchema,
  type RegisterRequest,
  type RegisterResponse,
  RegisterResponseSchema,
} from "../wire/index.ts";
import { requireWorkload } from "./proxies.ts";

export interface WorkloadsMethods {
  register(request: RegisterRequest, id: SpiffeId): Promise<RegisterResponse>;
  leave(request: LeaveRequest, id: SpiffeId): Promise<LeaveResponse>;
}

export function workloadsMethods(registry: Registry): WorkloadsMethods {
  return {
    async register(request, id) {
      if (request.namespace !== id.namespace || request.serviceAccount !== id.serviceAccount) {
        throw new WeftError(
          "forbidden",
          `a certificate for ${id.namespace}/${id.serviceAccount} cannot register a workload of ${request.namespace}/${request.serviceAccount}`,
        );
      }
      const { leaseMs } = await registry.register(request);
      return create(RegisterResponseSchema, { leaseMs });
    },
    async leave({ namespace, name, drainOnly }, id) {
      requireWorkload(id, `${namespace}/${name}`, registry.views);
      await registry.leave({ namespace, name, drainOnly });
      return create(LeaveResponseSchema);
    },
  };
}
