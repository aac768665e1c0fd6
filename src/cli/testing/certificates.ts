/** A certificate as the API lists it. */
export function listedCertificate(
  workload: string,
  notBeforeMs: number,
  notAfterMs: number,
  revoked?: string,
): object {
  return {
    ...{
      workload,
      identity: "spiffe://a/ns/default/sa/x",
      serial: "4a",
      issuer: "00",
      root: "ab".repeat(32),
    },
    ...{ notBeforeMs, notAfterMs, inUse: true, ...(revoked === undefined ? {} : { revoked }) },
  };
}
