/**
 * Reads a MAC/IP route as the FIB does, beside the FIB: in which domains it is, from which place, with which
 * sequence. The screen of routes asks in the middle of an UPDATE, when the FIB's own tables, which
 * other threads read, are not to be touched; so this one has small tables of its own.
 *
 * It knows no type 3 routes: where only these would tell a bridge domain's route target from an IP-VRF's
 * (`bridge-domain.ts`, rule d), the route counts as one of both.
 */
import type { RouteTable } from "../../bgp/rib/index.js";
import { readU24, readU32, readU8 } from "../../util/bytes.js";
import { BridgeDomains } from "../bridge-domain.js";
import { RemotePes } from "../remote-pes.js";
import { FactFlag, RouteFacts } from "../route-facts.js";
import { RouteTargetSets } from "../route-target-sets.js";
import type { FibSettings } from "../settings.js";
import { fillRoutePlace, newPlace } from "./records.js";

const ESI = 10;
const TAG = 20;
const IP_BITS = 31;
const IP = 32;

export class RouteReader {
  // Of the last `read`.
  readonly place = newPlace();
  sequence = 0;
  sticky = false;
  private readonly sets = new RouteTargetSets();
  private readonly pes = new RemotePes();
  private readonly domains: BridgeDomains;
  private readonly facts: RouteFacts;

  constructor(routes: RouteTable, settings: FibSettings) {
    const vxlan = settings.defaultEncapsulation === "vxlan";
    this.domains = new BridgeDomains(this.sets, settings.domains);
    this.facts = new RouteFacts(routes.attrs, this.pes, this.sets, vxlan);
  }

  /**
   * Reads the route at `nlri`, and calls `visit` with the key of each domain that it is in.
   */
  read(
    attr: number,
    bytes: Uint8Array,
    nlri: number,
    visit: (k0: number, k1: number, tag: number) => void,
  ): void {
    const { facts, domains, pes } = this;
    const of = facts.of(attr);
    facts.retain(of);
    fillRoutePlace(this.place, pes, facts.pe(of), bytes, nlri + ESI);
    this.sequence = facts.sequence(of);
    this.sticky = (facts.flags(of) & FactFlag.Sticky) !== 0;
    const labelAt = nlri + IP + (readU8(bytes, nlri + IP_BITS) >>> 3);
    const end = nlri + 2 + readU8(bytes, nlri + 1);
    const label = readU24(bytes, labelAt);
    const label2 = labelAt + 6 <= end ? readU24(bytes, labelAt + 3) : 0;
    const vni = (facts.flags(of) & FactFlag.Vni) !== 0;
    domains.resolve(facts.targetSet(of), readU32(bytes, nlri + TAG) | 0, label, label2, vni);
    for (let i = 0; i < domains.foundCount; i++) {
      const id = domains.found[i]!;
      visit(domains.keyWord(id, 0), domains.keyWord(id, 1), domains.tag(id));
    }
    for (let i = 0; i < domains.foundCount; i++) domains.collect(domains.found[i]!);
    facts.release(of);
  }
}
