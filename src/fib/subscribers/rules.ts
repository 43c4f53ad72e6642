/** Which sessions belong to which bridge domain, which MACs need one, and where each belongs. */
import type { SubscriberItem } from "../../contract.js";
import type { ExpectedPlace } from "./finding.js";
import { macNumber } from "./sessions.js";
import type { SubscriberDomainSettings, SubscriberSettings } from "./settings.js";

export interface DomainRule {
  readonly settings: SubscriberDomainSettings;
  readonly exempt: ReadonlySet<number>;
  /** First three octets. */
  readonly exemptOuis: ReadonlySet<number>;
}

const OUI = 0x100_0000;

export class SubscriberRules {
  readonly graceMs: number;
  readonly domains: readonly DomainRule[];
  private readonly places: ReadonlyMap<string, ExpectedPlace>;
  /** By tenant: the VLANs that some domain has. */
  private readonly named = new Map<string, Set<string>>();

  constructor(settings: SubscriberSettings) {
    this.graceMs = settings.graceSeconds * 1000;
    this.domains = settings.domains.map((one) => ({
      settings: one,
      exempt: new Set(one.exemptMacs.flatMap((mac) => macNumber(mac) ?? [])),
      exemptOuis: new Set(one.exemptOuis.flatMap((oui) => ouiNumber(oui))),
    }));
    this.places = new Map(settings.accessPoints.map(({ id, pe, esi }) => [id, { pe, esi }]));
    for (const { tenant, vlan } of settings.domains) {
      if (vlan === undefined) continue;
      const vlans = this.named.get(tenant) ?? new Set();
      this.named.set(tenant, vlans.add(vlan));
    }
  }

  /** Whether a session is one of the domain's. */
  covers({ settings }: DomainRule, { tenant, vlan }: SubscriberItem): boolean {
    if (settings.tenant !== tenant) return false;
    if (settings.vlan !== undefined) return settings.vlan === vlan;
    return vlan === undefined || this.named.get(tenant)?.has(vlan) !== true;
  }

  /** @param mac as `macNumber` gives it */
  isExempt({ exempt, exemptOuis }: DomainRule, mac: number): boolean {
    return exempt.has(mac) || exemptOuis.has(Math.floor(mac / OUI));
  }

  /** Undefined: nobody has said where the access point is. */
  placeOf({ accessPoint }: SubscriberItem): ExpectedPlace | undefined {
    return this.places.get(accessPoint);
  }
}

function ouiNumber(oui: string): number[] {
  const mac = macNumber(`${oui}:00:00:00`);
  return mac === undefined ? [] : [Math.floor(mac / OUI)];
}
