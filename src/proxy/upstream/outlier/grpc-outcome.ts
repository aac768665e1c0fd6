/**
 * What a call's status says about the server that gave it, among statuses of HTTP. Only what the server itself can help
 * counts: a caller that asks for methods which do not exist, or whose deadlines nobody could keep, would otherwise take
 * servers away from everybody.
 */
const unavailable = 14;
/** unknown, internal, data_loss: what libraries make of a crash in a handler, and what a broken server says of itself. */
const serverErrors: readonly number[] = [2, 13, 15];
/** The caller's deadline may have been at fault as well as the server, so it is an error but no gateway error. */
const deadlineExceeded = 4;

export function statusOfGrpc(grpcStatus: number): number {
  if (grpcStatus === unavailable) return 503;
  return grpcStatus === deadlineExceeded || serverErrors.includes(grpcStatus) ? 500 : 200;
}
