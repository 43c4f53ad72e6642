/** A watch's filter: text checked once, then asked of events (may it concern us?) and of states (is it in?). */
import { formatEsi, formatIp, parseEsi, parseIp } from "../../fast-bgp-codec/index.js";
import { FibQueryError, type MacQuery } from "../control.js";
import { FIB_EVENT_NAMES, type FibEvent } from "../event-record.js";
import { parseMacMask } from "../mac-mask.js";
import type { MacView } from "../view.js";
import type { WatchQuery } from "./items.js";

export class WatchFilter {
  /** Whether a MAC that stays may leave the filter: it goes by more than its key. */
  readonly byState: boolean;
  readonly esi: string | undefined;
  private readonly domain: string | undefined;
  private readonly mac: bigint | undefined;
  private readonly mask: bigint;
  private readonly ip: string | undefined;
  private readonly vni: number | undefined;
  private readonly pe: string | undefined;
  private readonly kinds: ReadonlySet<string> | undefined;
  private readonly duplicates: boolean;
  private readonly macText: string | undefined;

  /** Throws `FibQueryError` for what is no address, no ESI, no event. */
  constructor(query: WatchQuery) {
    const mac = query.mac === undefined ? undefined : parseMacMask(query.mac);
    if (query.mac !== undefined && mac === undefined) {
      throw new FibQueryError(
        "invalid",
        `"${query.mac}" is no MAC address, no beginning of one and no MAC with a mask; write for example 52:54:00:00:00:01, 52:54:00 or 52:54:00:00:00:00/24`,
      );
    }
    this.macText = query.mac;
    this.mac = mac && mac.value & mac.mask;
    this.mask = mac?.mask ?? 0n;
    this.domain = query.domain;
    this.ip = query.ip === undefined ? undefined : ipText("ip", query.ip);
    this.pe = query.pe === undefined ? undefined : ipText("pe", query.pe);
    this.esi = query.esi === undefined ? undefined : esiText(query.esi);
    this.vni = query.vni;
    this.kinds = query.kinds === undefined ? undefined : kindsOf(query.kinds);
    this.duplicates = query.topic === "alarms";
    this.byState =
      this.duplicates || [this.ip, this.pe, this.esi, this.vni].some((one) => one !== undefined);
  }

  /** Tells two filters apart. */
  get parts(): readonly unknown[] {
    const { domain, ip, vni, pe, esi, duplicates, kinds } = this;
    const mac = this.mac === undefined ? undefined : `${this.mac}/${this.mask}`;
    return [domain, mac, ip, vni, pe, esi, duplicates, kinds && [...kinds].sort()];
  }

  /** What to ask a list for: all that is in, and perhaps more. */
  get list(): MacQuery {
    const { domain, macText: mac, ip, pe, esi } = this;
    return {
      ...(esi !== undefined && { claimed: esi }),
      ...(domain !== undefined && { domain }),
      ...(mac !== undefined && { mac }),
      ...(ip !== undefined && { ip }),
      ...(pe !== undefined && { pe }),
    };
  }

  /** What to ask a list for: all whose key is in and that the segment may concern, in or not. */
  listOf(esi: string): MacQuery {
    const { domain, macText: mac } = this;
    return {
      claimed: esi,
      ...(domain !== undefined && { domain }),
      ...(mac !== undefined && { mac }),
    };
  }

  /** Whether a MAC with this key can be in. */
  hasKey(domain: string, mac: string): boolean {
    if (this.domain !== undefined && this.domain !== domain) return false;
    return this.mac === undefined || (macNumber(mac) & this.mask) === this.mac;
  }

  hasKind(kind: number): boolean {
    return this.kinds === undefined || this.kinds.has(FIB_EVENT_NAMES[kind] ?? "");
  }

  /** Whether a segment event can change a MAC that is in. */
  hasSegment(esi: string, domain: string | undefined): boolean {
    if (this.esi !== undefined && this.esi !== esi) return false;
    return this.domain === undefined || domain === undefined || this.domain === domain;
  }

  /** Whether a MAC whose key is in is in. */
  hasState(view: MacView): boolean {
    if (this.duplicates && view.duplicate === undefined && view.quarantine === undefined) {
      return false;
    }
    if (this.esi !== undefined && view.esi !== this.esi) return false;
    if (this.vni !== undefined && (view.label.kind !== "vni" || view.label.value !== this.vni)) {
      return false;
    }
    if (this.ip !== undefined && !view.bindings.some(({ ip }) => ip === this.ip)) return false;
    return (
      this.pe === undefined ||
      view.pe === this.pe ||
      view.nextHops.some(({ address }) => address === this.pe)
    );
  }

  /** For watchers of events. */
  hasEvent(event: FibEvent, domain: string | undefined): boolean {
    if (!this.hasKind(event.kind)) return false;
    if (this.domain !== undefined && this.domain !== domain) return false;
    if (this.mac !== undefined) {
      if (event.mac === "" || (macNumber(event.mac) & this.mask) !== this.mac) return false;
    }
    if (this.ip !== undefined && event.ip !== this.ip) return false;
    if (this.pe !== undefined && event.to !== this.pe && event.from !== this.pe) return false;
    if (this.esi !== undefined && event.esi !== this.esi) return false;
    return this.vni === undefined || event.label === this.vni;
  }
}

function macNumber(mac: string): bigint {
  return BigInt(`0x${mac.replaceAll(":", "")}`);
}

function ipText(name: string, text: string): string {
  const address = parseIp(text);
  if (address !== undefined) return formatIp(address, 0, address.length);
  throw new FibQueryError(
    "invalid",
    `${name} "${text}" is no address; write a whole IPv4 or IPv6 address`,
  );
}

function esiText(text: string): string {
  const esi = parseEsi(text);
  if (esi !== undefined) return formatEsi(esi, 0);
  throw new FibQueryError(
    "invalid",
    `esi "${text}" is no ESI; write its ten octets, for example 00:11:22:33:44:55:66:77:88:99`,
  );
}

function kindsOf(text: string): ReadonlySet<string> {
  const known = FIB_EVENT_NAMES.filter((name) => name !== "");
  const kinds = text.split(",").map((kind) => kind.trim());
  for (const kind of kinds) {
    if (known.includes(kind)) continue;
    throw new FibQueryError(
      "invalid",
      `there is no event "${kind}"; there are ${known.join(", ")}`,
    );
  }
  return new Set(kinds);
}
