/** Items of a watch as lines for people: time, what happened, to whom, where. */
import { labelText } from "./label-text.js";
import { wrap } from "./text.js";
import type { WatchAnswer } from "./watch-wire.js";

const KIND_WIDTH = 10;
const NAME_WIDTH = 11;
/** Behind the time. */
const INDENT = 9;

/** undefined: nothing that people want to read. */
export function watchLine(item: WatchAnswer, columns: number): string | undefined {
  const text = lineOf(item);
  return text === undefined ? undefined : wrap(text, columns, " ".repeat(INDENT), "");
}

function lineOf(item: WatchAnswer): string | undefined {
  switch (item.type) {
    case "mac":
      return macLine(item);
    case "segment":
      return segmentLine(item);
    case "event":
      return eventLine(item);
    case "peer":
      return peerLine(item);
    case "sync":
      return item.esi === undefined ? "-- up to date; what follows is news" : undefined;
    case "lagged":
    case "end":
      return `-- ${item.type}: ${item.message ?? ""}`;
    default:
      return undefined;
  }
}

function macLine({ key, mac, change, state }: WatchAnswer): string {
  const gone = state === "gone";
  const kind = change?.kind ?? (gone ? "gone" : "there");
  const time = change?.time ?? (mac?.lastChange ?? 0) * 1000;
  const [domain = "", address = ""] = split(key);
  if (mac === undefined)
    return row(
      time,
      gone && kind !== "withdraw" ? `${kind}, gone` : kind,
      address,
      domain,
      change?.from ?? "",
    );
  const first = mac.nextHops[0]?.address ?? `${mac.pe} unusable`;
  const from = change?.from ?? "";
  const came = from !== "" && from !== first ? `${from} > ` : "";
  const moves = mac.duplicate === undefined ? "" : `, ${mac.duplicate.moves} moves`;
  return row(time, kind, address, domain, `${came}${first} ${labelText(mac.label)}${moves}`);
}

/** The MAC stands last, and has no space in it. */
function split(key: string): [string, string] {
  const at = key.lastIndexOf(" ");
  return [key.slice(0, at), key.slice(at + 1)];
}

function segmentLine({ esi, state, change }: WatchAnswer): string {
  const pe = change?.from !== "" && state !== "up" ? change?.from : change?.to;
  const macs = `${change?.count ?? 0} MACs`;
  return `${clock(change?.time ?? 0)} segment ${state.padEnd(7)} ${esi ?? ""} ${pe ?? ""}, ${macs}`;
}

function eventLine({ event }: WatchAnswer): string | undefined {
  if (event === undefined) return undefined;
  const { kind, time, mac, domain, from, to, ip, esi, count } = event;
  const way = [from, to].filter((one) => one !== undefined).join(" > ");
  if (mac === undefined) {
    return `${clock(time)} ${kind.padEnd(KIND_WIDTH)} ${esi ?? ""} ${way}, ${count} MACs`;
  }
  return row(time, kind, mac, domain ?? "", ip === undefined ? way : `${ip} ${way}`);
}

function peerLine({ key, peer, state }: WatchAnswer): string {
  if (peer === undefined || state === "gone") return `${" ".repeat(8)} ${key} is no peer any more`;
  const why = peer.adminDown ? "shut down" : (peer.lastError ?? "");
  const reason = peer.state === "Established" || why === "" ? "" : `: ${why}`;
  return `${clock(peer.since)} ${peer.address.padEnd(15)} ${peer.state}${reason}`;
}

function row(time: number, kind: string, mac: string, domain: string, where: string): string {
  const name = domain.padEnd(NAME_WIDTH);
  return `${clock(time)} ${kind.padEnd(KIND_WIDTH)} ${mac} ${name} ${where}`.trimEnd();
}

/** Of the day, in the local zone. */
function clock(milliseconds: number): string {
  const date = new Date(milliseconds);
  const part = (value: number): string => String(value).padStart(2, "0");
  return `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}`;
}
