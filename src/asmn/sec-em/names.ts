/** Names and other values that callers give: what is wrong with them, as a sentence that says what to do. */
import { isIP } from "node:net";
import {
  SecEmError,
  type Actor,
  type BgpFacts,
  type InstanceName,
  type Role,
  type Scope,
} from "./control.js";

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const HEX_32 = /^[0-9a-f]{64}$/;
const ROUTER_ID = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const MOST_ADDRESSES = 8;
const MOST_TEXT = 200;

export function invalid(sentence: string): SecEmError {
  return new SecEmError("invalid", sentence);
}

export function checkName(what: string, name: string): void {
  if (!NAME.test(name) || name === "." || name === "..") {
    throw invalid(
      `"${name.slice(0, 80)}" is no name of a ${what}: use 1 to 64 of A-Z a-z 0-9 . _ -`,
    );
  }
}

export function checkInstanceName({ tenant, vnf, instance }: InstanceName): void {
  checkName("tenant", tenant);
  checkName("VNF", vnf);
  checkName("instance", instance);
}

export function checkScope({ tenant, vnf, instance }: Scope): void {
  checkName("tenant", tenant);
  if (vnf !== undefined) checkName("VNF", vnf);
  if (instance === undefined) return;
  checkName("instance", instance);
  if (vnf === undefined) throw invalid("an instance is named with its VNF; give both");
}

export function inScope(name: InstanceName, { tenant, vnf, instance }: Scope): boolean {
  return (
    name.tenant === tenant &&
    (vnf === undefined || name.vnf === vnf) &&
    (instance === undefined || name.instance === instance)
  );
}

export function scopeText({ tenant, vnf, instance }: Scope): string {
  return [tenant, vnf ?? "*", ...(vnf === undefined ? [] : [instance ?? "*"])].join("/");
}

/** Also the key of an instance wherever there is one. */
export function instanceText({ tenant, vnf, instance }: InstanceName): string {
  return `${tenant}/${vnf}/${instance}`;
}

/** 32 octets: a digest, a public key. */
export function checkHex(what: string, value: string): void {
  if (!HEX_32.test(value)) throw invalid(`a ${what} is 64 lower-case hexadecimal digits`);
}

export function checkText(what: string, value: string): void {
  if (value.trim() === "" || value.length > MOST_TEXT) {
    throw invalid(`give a ${what} of 1 to ${MOST_TEXT} characters`);
  }
}

export function checkSeconds(what: string, value: number, least: number, most: number): void {
  if (!Number.isFinite(value) || value < least || value > most) {
    throw invalid(`${what} is ${least} to ${most} seconds`);
  }
}

export function checkAddress(address: string): void {
  if (isIP(address) === 0) throw invalid(`"${address.slice(0, 80)}" is no IP address`);
}

export function checkBgp({ addresses, as, routerId }: BgpFacts): void {
  if (addresses.length === 0 || addresses.length > MOST_ADDRESSES) {
    throw invalid(`an instance peers from 1 to ${MOST_ADDRESSES} addresses`);
  }
  for (const address of addresses) checkAddress(address);
  if (as !== undefined && !(Number.isInteger(as) && as > 0 && as <= 0xffff_ffff)) {
    throw invalid("an AS is 1 to 4294967295");
  }
  if (routerId !== undefined && !ROUTER_ID.test(routerId)) {
    throw invalid(`"${routerId.slice(0, 80)}" is no router id; write a dotted quad`);
  }
}

/** @param roles who may, beside the operator */
export function checkRole({ role, name }: Actor, what: string, ...roles: readonly Role[]): void {
  checkText("name of who does this", name);
  if (role === "operator" || roles.includes(role)) return;
  const may = [...roles, "operator"].join(" or ");
  throw new SecEmError("refused", `to ${what} is for the role ${may}, not for ${role}`);
}

export function actorText({ role, name }: Actor): string {
  return `${role}:${name}`;
}
