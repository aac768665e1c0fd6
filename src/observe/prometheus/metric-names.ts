/** The names by which the proxies' golden signals stand in Prometheus: metrics and labels, in one place. */

export const prometheusNames = {
  metrics: {
    /** As the caller saw it, in seconds. */
    outbound: "http_client_request_duration_seconds",
    /** As the callee saw it. */
    inbound: "http_server_request_duration_seconds",
  },
  labels: {
    sourceWorkload: "source_workload",
    destinationWorkload: "destination_workload",
    destinationService: "destination_service",
    destinationPort: "server_port",
    destinationVersion: "destination_version",
    route: "http_route",
    responseCode: "http_response_status_code",
    grpcStatus: "rpc_grpc_status_code",
    /** A reason code, or the status of a failure. */
    errorType: "error_type",
    mutualTls: "mtls",
  },
} as const;

/** The upper bound of a histogram's bucket, by Prometheus' own convention. */
export const bucketBound = "le";
