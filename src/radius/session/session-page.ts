/** Sessions that fit a question, a page at a time: who is there throughout is listed once. */
import { accessPointOf, normalMac } from "../identity.js";
import { RadiusError } from "../control.js";
import type { SessionPage, SessionQuery } from "../control.js";
import type { Session } from "./session.js";

const LIMIT = 1000;
const LIMIT_MAX = 10_000;

/** @param tables one after the other; `name` is the tenant's. Throws `RadiusError` */
export function sessionPage(
  tables: readonly { readonly name: string; list(): Iterable<Session> }[],
  query: SessionQuery,
): SessionPage {
  const { limit = LIMIT, cursor, tenant } = query;
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw new RadiusError("invalid", `limit is 1 to ${LIMIT_MAX}`);
  }
  const [table = 0, after = 0] = cursor === undefined ? [] : cursorOf(cursor);
  const fits = filterOf(query);
  const rows: Session[] = [];
  for (const [index, one] of tables.entries()) {
    if (index < table || (tenant !== undefined && tenant !== one.name)) continue;
    for (const session of one.list()) {
      if (index === table && session.id <= after) continue;
      if (!fits(session)) continue;
      if (rows.length === limit) {
        return { rows, next: `${lastTable(tables, rows)}.${rows.at(-1)?.id ?? 0}` };
      }
      rows.push(session);
    }
  }
  return { rows, next: undefined };
}

function lastTable(tables: readonly { readonly name: string }[], rows: readonly Session[]): number {
  const tenant = rows.at(-1)?.tenant;
  return tables.findIndex(({ name }) => name === tenant);
}

function cursorOf(text: string): [table: number, after: number] {
  const parts = /^(\d{1,9})\.(\d{1,15})$/.exec(text);
  if (parts === null) {
    throw new RadiusError("invalid", "cursor is not one of ours: give `next` of the page before");
  }
  return [Number(parts[1]), Number(parts[2])];
}

function filterOf(query: SessionQuery): (session: Session) => boolean {
  const { userName, client, address, vlan } = query;
  const mac = query.mac === undefined ? undefined : (normalMac(query.mac) ?? query.mac);
  const point = query.accessPoint === undefined ? undefined : accessPointOf(query.accessPoint);
  return (session) =>
    (mac === undefined || session.mac === mac) &&
    (userName === undefined || session.userName === userName) &&
    (client === undefined || session.client === client) &&
    (address === undefined || session.address === address) &&
    (vlan === undefined || session.vlan === vlan) &&
    (point === undefined ||
      (session.accessPoint === point.id &&
        (point.ssid === undefined || session.ssid === point.ssid)));
}
