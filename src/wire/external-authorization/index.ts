export {
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
  type DeniedHttpResponse,
  type HeaderValueOption,
  type OkHttpResponse,
} from "../gen/envoy/service/auth/v3/external_auth_pb.js";
