/**
 * The VNF gateway (VNF-G/W): stands between the VNFs of one tenant and lets pass what their signed Sec-catalog
 * names, at its rates. In: catalogs, and what verdicts say of the instances. Out: rules in a table of its own
 * (nftables, family inet), queues on the interfaces that have a rate, alarms, counts.
 *
 * From its start it denies all but the Sec-EM, until a catalog has come. Who is not trusted is cut off, whatever
 * connections he has; addresses are let in for as long as their verdict lives, and the kernel itself closes
 * them when that is over, be the daemon alive or not.
 *
 * - `policy.ts` catalog and members as flows; `script.ts` flows as rules; `opening.ts` who is let in.
 * - `kernel-table.ts` the table in the kernel; `nft.ts` the programs; `monitor.ts` when others change it.
 * - `shaping.ts` queues; `volumes.ts`, `alarms.ts`, `alarm-keeper.ts` traffic patterns.
 * - `roster.ts`, `member.ts` the members; `state.ts` what survives a restart; `gateway.ts` all together.
 * - `feed-members.ts` verdicts as members; `station.ts` feeds and gateway together, which `worker.ts` runs in a
 *   thread and `service.ts` owns; `messages.ts` between the two.
 * - `control.ts` what others may ask; `desk.ts` behind it.
 *
 * Not here: traffic to and from the gateway itself, bridged traffic, what is inside the agents' TLS (the
 * outer headers are matched; the agent enforces the inner ones), and the moment between somebody's `flush
 * ruleset` and the rules' return.
 */
export type {
  CatalogTrial,
  Count,
  GatewayCatalog,
  GatewayControl,
  GatewayFlowRow,
  GatewayMemberRow,
  GatewayState,
  GatewayStatus,
  RaisedAlarm,
} from "./control.js";
export { GatewayDesk } from "./desk.js";
export { GatewayError, type GatewayErrorCode } from "./error.js";
export { Gateway, type GatewayParts } from "./gateway.js";
export type { MemberChange, MemberItem } from "./roster.js";
export type { GatewayCoreSettings, GatewayPort, GatewayRules } from "./settings.js";
export { GatewayService, type GatewayServiceParts } from "./service.js";
export type { CatalogAnswer } from "./view.js";
