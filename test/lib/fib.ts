/** A FIB with a small fabric in it, for the faces: its door, and the fabric to change things with. */
import { LocalFibControl } from "../../src/fib/index.js";
import type { DomainSettings } from "../../src/fib/index.js";
import { Fabric } from "../fib/lib/fabric.js";
import { ethernetAd, ethernetSegment, imet, macIp, MAX_ET } from "../fib/lib/route.js";

export const HOST = "52:54:00:00:00:01";
export const SHARED = "52:54:00:00:00:02";
export const DUAL = "52:54:00:00:00:03";
export const ESI = "00:11:22:33:44:55:66:77:88:99";

/** What its ESI says. */
const IMPORT = "11:22:33:44:55:66";

const NAMED: readonly DomainSettings[] = [
  {
    name: "blue",
    service: "vlan-aware-bundle",
    routeTargets: ["65000:300"],
    ethernetTag: undefined,
    vni: undefined,
    duplicates: undefined,
  },
];

export interface SmallFib {
  readonly fabric: Fabric;
  readonly control: LocalFibControl;
  /** Settings other than the default ones. */
  readonly change: { readonly domains: readonly DomainSettings[] };
}

/**
 * 65000:100 has HOST at 10.0.0.1 (10.1.0.1), SHARED at 10.0.0.1 and, moved, at 10.0.0.2, and DUAL on ESI
 * at both; 65000:200 has SHARED too; `blue` has HOST with tag 7.
 */
export function smallFib(): SmallFib {
  const fabric = new Fabric({ domains: NAMED });
  const esi = ESI.replaceAll(":", "");
  const at = (hop: string, target: string, sequence?: number) => ({
    nextHop: hop,
    targets: [target],
    sequence,
  });
  const [one, two] = ["10.0.0.1", "10.0.0.2"];
  fabric
    .announce(0, imet("10.0.0.1:100", 0, one), at(one, "65000:100"))
    .announce(1, imet("10.0.0.2:100", 0, two), at(two, "65000:100"))
    .announce(0, macIp({ rd: "10.0.0.1:100", mac: HOST, ip: "10.1.0.1" }), at(one, "65000:100"))
    .announce(0, macIp({ rd: "10.0.0.1:100", mac: SHARED }), at(one, "65000:100"))
    .read()
    .announce(1, macIp({ rd: "10.0.0.2:100", mac: SHARED }), at(two, "65000:100", 1))
    .announce(1, macIp({ rd: "10.0.0.2:200", mac: SHARED, label: 200 }), at(two, "65000:200"))
    .announce(0, macIp({ rd: "10.0.0.1:300", mac: HOST, tag: 7, label: 300 }), at(one, "65000:300"))
    .announce(0, macIp({ rd: "10.0.0.1:100", mac: DUAL, esi }), at(one, "65000:100"));
  for (const [slot, hop] of [one, two].entries()) {
    const label = { singleActive: false, label: 0 };
    fabric
      .announce(slot, ethernetAd(`${hop}:1`, esi, MAX_ET, 0), {
        ...at(hop, "65000:100"),
        esiLabel: label,
      })
      .announce(slot, ethernetAd(`${hop}:100`, esi, 0, 100), at(hop, "65000:100"))
      .announce(slot, ethernetSegment(`${hop}:1`, esi, hop), {
        nextHop: hop,
        targets: [],
        esImport: IMPORT,
      });
  }
  fabric.read();
  return { fabric, control: new LocalFibControl(fabric.fib, NAMED), change: { domains: NAMED } };
}

/** So many more MACs in 65000:100. */
export function addMacs({ fabric }: SmallFib, count: number): void {
  for (let n = 0; n < count; n++) {
    const mac = `aa:00:00:${n.toString(16).padStart(6, "0").match(/../g)!.join(":")}`;
    fabric.announce(0, macIp({ rd: "10.0.0.1:100", mac }), {
      nextHop: "10.0.0.1",
      targets: ["65000:100"],
    });
  }
  fabric.read();
}
