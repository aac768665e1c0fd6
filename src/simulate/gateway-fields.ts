/** What a gateway says to backends of a request's origin, in the place of what its client says. */
import { forwardedBehindTrusted, isMadeUpOrigin } from "../decide/index.ts";
import type { Mesh } from "../model/index.ts";
import type { SimulatedHead, Field } from "./simulated-head.ts";

export function toldByGateway(
  { trustedHops }: Mesh,
  head: SimulatedHead,
  own: { readonly address: string; readonly scheme: "http" | "https" },
): SimulatedHead {
  const says = { ...own, authority: head.authority };
  const told = {
    for: head.header("x-forwarded-for"),
    proto: head.header("x-forwarded-proto"),
    host: head.header("x-forwarded-host"),
  };
  const values =
    trustedHops > 0
      ? forwardedBehindTrusted(told, says)
      : { for: says.address, proto: says.scheme, host: says.authority };
  // Nobody's certificate is known here, so nothing is said of one.
  const lines: readonly (readonly [string, string | undefined])[] = [
    ["x-forwarded-client-cert", ""],
    ["x-forwarded-for", values.for],
    ["x-forwarded-proto", values.proto],
    ["x-forwarded-host", values.host],
  ];
  const replaced = new Set(lines.flatMap(([name, value]) => (value === undefined ? [] : [name])));
  const fields = head.fields.filter(
    ([name]) => !replaced.has(name) && !(trustedHops === 0 && isMadeUpOrigin(name)),
  );
  for (const [name, value] of lines)
    if (value !== undefined && value !== "") fields.push([name, value] satisfies Field);
  return head.with({ fields });
}
