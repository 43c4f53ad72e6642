/** The gateway's settings as its thread takes them. */
import { readHours, type CatalogAlarm } from "../catalog/index.js";
import type { AsmnAlarmSettings, GatewaySettings } from "../settings.js";
import type { FeedTimes } from "./feed-members.js";
import type { StationSettings } from "./messages.js";

/** @param roots of the Sec-EM in this daemon, hexadecimal; undefined = there is none */
export function stationSettings(
  settings: GatewaySettings,
  roots: readonly string[] | undefined,
  { staleSeconds, graceSeconds }: FeedTimes,
): StationSettings {
  const { audience, tenant, table, interfaces, secEmAddresses, defaultAction, lower } = settings;
  return {
    core: {
      ...{ tenant, table, interfaces, defaultAction, lower },
      secEm: secEmAddresses,
      alarms: settings.alarms.map(alarmOf),
    },
    feeds: { audience, sources: settings.sources, localRoots: roots, staleSeconds },
    times: { staleSeconds, graceSeconds },
  };
}

function alarmOf(alarm: AsmnAlarmSettings): CatalogAlarm {
  const { name, from, to, octets, windowSeconds, between } = alarm;
  const hours = between && readHours(`${between.start}-${between.end}`, "UTC");
  return { name, from, to, octets, windowSeconds, hours };
}
