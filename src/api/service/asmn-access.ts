/** The parts of the trust checks as operations reach them, and who acts in whose role. */
import type { Actor, AsmnControl, SecEmControl } from "../../asmn/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { text, type Caller, type FieldRule } from "./operation.js";

/** Names of tenants, VNFs and instances. */
export const TRUST_NAME: FieldRule = { ...text(64), pattern: "^[A-Za-z0-9._-]+$" };
export const NEEDED_NAME = { required: true, ...TRUST_NAME } as const;
export const DIGEST: FieldRule = { pattern: "^[0-9a-f]{64}$" };
export const SCOPE = { tenant: NEEDED_NAME, vnf: TRUST_NAME, instance: TRUST_NAME } as const;

export function asmnOf({ asmn }: HttpBackend): AsmnControl {
  if (asmn !== undefined) return asmn;
  throw off("the trust checks are off: add an asmn block to the configuration and reload");
}

export function secEmOf({ asmnSecEm }: HttpBackend): SecEmControl {
  if (asmnSecEm !== undefined) return asmnSecEm;
  throw off("this evpnd is no Sec-EM (asmn.sec-em); ask the one that is, with --url");
}

export function off(sentence: string): HttpError {
  return new HttpError(409, "off", sentence);
}

/**
 * Who does it, for the Sec-EM: a client that the configuration gives a role acts in that role.
 * @param duty role that the act belongs to; where the configuration names clients for it, it is theirs alone
 */
export async function actorOf(
  backend: HttpBackend,
  { name, address }: Caller,
  duty: "vim" | "vnfm" | "operator" = "operator",
): Promise<Actor> {
  const who = `${name} at ${address}`;
  const roles = await asmnOf(backend).roles();
  if (duty !== "operator" && roles[duty].length > 0 && !roles[duty].includes(name)) {
    throw new HttpError(
      403,
      "forbidden",
      `${name} may not do that: asmn.sec-em.roles.${duty} names who may`,
    );
  }
  if (duty !== "operator" && roles[duty].includes(name)) return { role: duty, name: who };
  const only = (["vim", "vnfm"] as const).find((role) => roles[role].includes(name));
  return { role: only ?? "operator", name: who };
}

/** What structured answers leave out. */
export function without<T extends object, K extends keyof T>(row: T, ...names: K[]): Omit<T, K> {
  const hidden: readonly unknown[] = names;
  return Object.fromEntries(Object.entries(row).filter(([name]) => !hidden.includes(name))) as Omit<
    T,
    K
  >;
}
