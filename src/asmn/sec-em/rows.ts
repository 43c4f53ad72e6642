/** Records as people see them: no secret, nothing that is only for machines. */
import { toHex } from "../../util/bytes.js";
import { SecEmError, type InstancePage, type InstanceQuery, type InstanceRow } from "./control.js";
import type { Core } from "./core.js";
import type { InstanceRecord } from "./instance-book.js";
import { instanceText } from "./names.js";

const USUAL_ROWS = 1000;
const MOST_ROWS = 10_000;

export function instanceRow(core: Core, record: InstanceRecord): InstanceRow {
  const { desk, links } = core;
  const { tenant, vnf, instance, identity, chain, since, attestedAt, image, bgp, revoked, root } =
    record;
  const { state, reason, sentence, leftMs } = desk.standing(record);
  const serial = desk.serial(identity);
  return {
    ...{ tenant, vnf, instance, state, since, attestedAt, image, bgp, root },
    id: identity,
    publicKey: chain.instanceKey === undefined ? undefined : toHex(chain.instanceKey),
    reason: reason === "none" ? sentence : `${reason}: ${sentence}`,
    chain: chain.confirmed?.counter ?? 0,
    verdictLeftMs: serial === undefined ? undefined : Math.round(leftMs),
    verdictSerial: serial,
    connected: links.has(identity),
    revoked: revoked !== undefined,
    cloned: chain.stopped === "clone" || chain.stopped === "two-keys",
    step: stepOf(core, record, state === "trusted"),
  };
}

/** Each step needs the one before (ASM-02): a proof, a confirmed secret, the current catalog. */
function stepOf(core: Core, record: InstanceRecord, trusted: boolean): InstanceRow["step"] {
  const { chain, tenant, catalogVersion } = record;
  if (chain.instanceKey === undefined || chain.stopped !== undefined) return "registered";
  if (!trusted || chain.confirmed === undefined) return "authenticated";
  const catalog = core.catalogs.get(tenant);
  return catalog === undefined || catalog.version === catalogVersion
    ? "controlled"
    : "communicating";
}

export function instancePage(core: Core, query: InstanceQuery): InstancePage {
  const { tenant, vnf, instance, state, cursor, limit = USUAL_ROWS } = query;
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_ROWS) {
    throw new SecEmError("invalid", `limit is 1 to ${MOST_ROWS}`);
  }
  const found = core.book
    .all()
    .filter((one) => tenant === undefined || one.tenant === tenant)
    .filter((one) => vnf === undefined || one.vnf === vnf)
    .filter((one) => instance === undefined || one.instance === instance)
    .filter((one) => state === undefined || core.desk.standing(one).state === state)
    .filter((one) => cursor === undefined || instanceText(one) > cursor);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const more = found.length > rows.length && last !== undefined;
  return {
    rows: rows.map((one) => instanceRow(core, one)),
    next: more ? instanceText(last) : undefined,
  };
}
