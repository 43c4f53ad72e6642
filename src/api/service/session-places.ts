/** Where the MAC FIB has the subscribers of sessions, and whose sessions the MACs of the FIB are. */
import type { MacView } from "../../fib/index.js";
import type { Session } from "../../radius/index.js";
import type { HttpBackend } from "../backend.js";

interface Place {
  readonly domain: string;
  readonly pe: string;
  readonly esi: string | undefined;
  readonly finding: string | undefined;
}

/** Domains shown of one session. */
const MOST_PLACES = 16;

/** By session, in their order; empty where nothing is known. */
export async function placesOf(
  { fib, subscribers }: HttpBackend,
  sessions: readonly Session[],
): Promise<readonly (readonly Place[])[]> {
  if (fib === undefined) return sessions.map(() => []);
  const found = await Promise.all(
    sessions.map(async ({ mac }) =>
      isMac(mac) ? (await fib.macs({ mac, limit: MOST_PLACES })).rows : [],
    ),
  );
  const all = found.flat().map(({ domain, mac }) => ({ domain, mac }));
  const known = all.length === 0 ? [] : ((await subscribers?.ofMacs(all)) ?? []);
  let at = 0;
  return found.map((rows) =>
    rows.map(({ domain, pe, esi }) => {
      const finding = known[at++]?.finding;
      const told = finding?.state === "grace" ? undefined : finding?.kind;
      return { domain, pe, esi, finding: told };
    }),
  );
}

/** MACs of the FIB with the sessions that they are there by, where sessions are compared. */
export async function withSessions(
  { subscribers }: HttpBackend,
  rows: readonly MacView[],
): Promise<readonly object[]> {
  if (subscribers === undefined || rows.length === 0) return rows;
  const known = await subscribers.ofMacs(rows.map(({ domain, mac }) => ({ domain, mac })));
  return rows.map((row, index) => {
    const { sessions = [], finding } = known[index] ?? {};
    const alarm = finding === undefined || finding.state === "grace" ? undefined : finding.kind;
    return { ...row, sessions, sessionAlarm: alarm };
  });
}

function isMac(text: string): boolean {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text);
}
