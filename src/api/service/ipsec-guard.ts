/** What IPsec guards: shown, and released by an operator where no tunnel needs it any more. */
import type { GuardControl } from "../../ipsec/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { text, unary, type Operation } from "./operation.js";

const MOST_PREFIXES = 1000;

function guardOf({ ipsecGuard }: HttpBackend): GuardControl {
  if (ipsecGuard !== undefined) return ipsecGuard;
  throw new HttpError(
    409,
    "off",
    "IPsec is off: add an ipsec block to the configuration and reload",
  );
}

export const IPSEC_GUARD_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetIpsecGuard",
    group: "IpsecGuard",
    summary: "Prefixes that never leave in clear, and packets that would have",
    role: "viewer",
    http: { method: "GET", path: "/v1/ipsec/guard" },
    input: "GetIpsecGuardRequest",
    output: "IpsecGuardState",
    run: (backend) => guardOf(backend).status(),
  }),
  unary({
    id: "ReleaseIpsecGuard",
    group: "IpsecGuard",
    summary: "No longer guards prefixes that no installed tunnel needs",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/guard/release" },
    input: "ReleaseIpsecGuardRequest",
    output: "ReleaseIpsecGuardResponse",
    rules: { prefixes: { maxItems: MOST_PREFIXES, items: text(64) } },
    run: async (
      backend,
      { prefixes = [] }: { prefixes?: readonly string[] },
      { name, address },
    ) => ({
      released: await guardOf(backend).release(prefixes, `${name} at ${address}`),
    }),
  }),
];
