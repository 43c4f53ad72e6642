/** Which domains a route is in: configured, derived, and the route targets of an IP-VRF that make none. */
import { describe, expect, it } from "vitest";
import type { DomainSettings } from "../../src/fib/index.js";
import { Fabric } from "./lib/fabric.js";
import { imet, macIp, type AttrSpec, type MacRoute } from "./lib/route.js";

const MAC = "02:00:00:00:00:01";

function named(name: string, change: Partial<DomainSettings>): DomainSettings {
  return {
    name,
    service: "vlan-based",
    routeTargets: [],
    ethernetTag: undefined,
    vni: undefined,
    duplicates: undefined,
    ...change,
  };
}

function announce(
  fabric: Fabric,
  targets: readonly string[],
  route: Partial<MacRoute> = {},
  attr: Partial<AttrSpec> = {},
): void {
  const nlri = macIp({ rd: "10.0.0.1:1", mac: MAC, ...route });
  fabric.announce(0, nlri, { nextHop: "10.0.0.1", targets, ...attr }).read();
}

/** Names of the domains that have the MAC. */
function domains(fabric: Fabric): string[] {
  const mac = Buffer.from(MAC.replaceAll(":", ""), "hex");
  return fabric.fib.pages
    .list({ mac }, 0, 100)
    .rows.map(({ domain }) => domain)
    .sort();
}

function domainsOf(
  targets: readonly string[],
  route: Partial<MacRoute> = {},
  attr: Partial<AttrSpec> = {},
  settings: readonly DomainSettings[] = [],
): string[] {
  const fabric = new Fabric({ domains: settings });
  announce(fabric, targets, route, attr);
  return domains(fabric);
}

describe("a derived domain", () => {
  it("is one for each route target and tag", () => {
    expect(domainsOf(["65000:100"])).toEqual(["65000:100"]);
    expect(domainsOf(["65000:100", "10.0.0.1:7"], { tag: 20 })).toEqual([
      "10.0.0.1:7/20",
      "65000:100/20",
    ]);
    expect(domainsOf(["65000:100", "65000:100"])).toEqual(["65000:100"]);
    expect(domainsOf([])).toEqual([]);
  });

  it("is not taken for another that has its number now", () => {
    const fabric = new Fabric();
    announce(fabric, ["65000:100"], { tag: 20 });
    announce(fabric, ["65000:100"]);
    // The domain of tag 0 goes, its list of route targets stays, and its number is used again.
    fabric.withdraw(0, macIp({ rd: "10.0.0.1:1", mac: MAC })).read();
    announce(fabric, ["65000:200"], { rd: "10.0.0.1:2" });
    announce(fabric, ["65000:100"], { rd: "10.0.0.1:3" });
    expect(domains(fabric)).toEqual(["65000:100", "65000:100/20", "65000:200"]);
  });

  it("goes with its last route", () => {
    const fabric = new Fabric();
    announce(fabric, ["65000:100"]);
    announce(fabric, ["65000:200"]);
    expect(fabric.fib.pages.domains(0, 10).rows.map(({ name }) => name)).toEqual(["65000:200"]);
    expect(fabric.fib.tables.domains.count).toBe(1);
  });
});

describe("a route with two labels", () => {
  const routed = { label: 100, label2: 5000, ip: "10.1.0.1" };

  it("is in the domain whose route target names its L2 VNI", () => {
    expect(domainsOf(["65000:100", "65000:5000"], routed)).toEqual(["65000:100"]);
    // RFC 8365 section 5.1.2.1: domain and type bits above the VNI.
    expect(domainsOf(["65000:268435556", "65000:9"], routed)).toEqual(["65000:268435556"]);
  });

  it("is not in that of its L3 VNI", () => {
    expect(domainsOf(["65000:7", "65000:5000"], routed)).toEqual(["65000:7"]);
  });

  it("is in the configured one alone, if there is one", () => {
    const red = named("red", { routeTargets: ["65000:7"] });
    expect(domainsOf(["65000:7", "65000:8"], routed, {}, [red])).toEqual(["red"]);
    // With one label it is in both.
    expect(domainsOf(["65000:7", "65000:8"], {}, {}, [red])).toEqual(["65000:8", "red"]);
  });

  it("is in the domain that has type 3 routes, whenever these come and go", () => {
    const fabric = new Fabric();
    announce(fabric, ["65000:7", "65000:8"], routed);
    expect(domains(fabric)).toEqual(["65000:7", "65000:8"]);
    const inclusive = imet("10.0.0.1:1", 0, "10.0.0.1");
    fabric.announce(1, inclusive, { nextHop: "10.0.0.1", targets: ["65000:8"] }).read();
    expect(domains(fabric)).toEqual(["65000:8"]);
    fabric.withdraw(1, inclusive).read();
    expect(domains(fabric)).toEqual(["65000:7", "65000:8"]);
    fabric.lose(0).read();
    expect(fabric.fib.tables.domains.count).toBe(0);
  });

  it("under MPLS goes by type 3 routes only: labels are no names", () => {
    expect(domainsOf(["65000:100", "65000:9"], routed, { tunnel: 10 })).toEqual([
      "65000:100",
      "65000:9",
    ]);
  });

  it("with one route target is in that one", () => {
    expect(domainsOf(["65000:5000"], routed)).toEqual(["65000:5000"]);
  });
});

describe("a configured domain", () => {
  it("takes several route targets as one", () => {
    const fabric = new Fabric({
      domains: [named("red", { routeTargets: ["65000:1", "65000:2"] })],
    });
    announce(fabric, ["65000:1"]);
    const other = macIp({ rd: "10.0.0.2:1", mac: MAC });
    fabric.announce(1, other, { nextHop: "10.0.0.2", targets: ["65000:2"], sequence: 1 }).read();
    expect(fabric.fib.pages.list({}, 0, 10).rows).toMatchObject([
      { domain: "red", pe: "10.0.0.2", moves: 1 },
    ]);
  });

  it("takes its tag, and leaves others to derived domains", () => {
    const tagged = named("tagged", { routeTargets: ["65000:1"], ethernetTag: 10 });
    const plain = named("plain", { routeTargets: ["65000:2"] });
    expect(domainsOf(["65000:1"], { tag: 10 }, {}, [tagged])).toEqual(["tagged"]);
    expect(domainsOf(["65000:1"], { tag: 11 }, {}, [tagged])).toEqual(["65000:1/11"]);
    expect(domainsOf(["65000:2"], {}, {}, [plain])).toEqual(["plain"]);
    expect(domainsOf(["65000:2"], { tag: 11 }, {}, [plain])).toEqual(["65000:2/11"]);
  });

  it("is one a tag in a VLAN-aware bundle", () => {
    const aware = named("tenant", { routeTargets: ["65000:1"], service: "vlan-aware-bundle" });
    expect(domainsOf(["65000:1"], { tag: 10 }, {}, [aware])).toEqual(["tenant/10"]);
    const fabric = new Fabric({ domains: [aware] });
    expect(fabric.fib.tables.domains.count).toBe(0);
  });

  it("of backbone MACs takes type 3 routes of every I-SID, and a flush of one, as its own", () => {
    const core = named("core", { routeTargets: ["65000:1"], service: "pbb" });
    const fabric = new Fabric({ domains: [core] });
    announce(fabric, ["65000:1"], {}, { tunnel: 10 });
    for (const [pe, isid] of [
      [1, 0x30_0000],
      [2, 0x30_0000],
      [2, 70_000],
    ] as const) {
      const attr = { nextHop: `10.0.0.${pe}`, targets: ["65000:1"], tunnel: 10, pmsiLabel: 160 };
      fabric.announce(pe, imet(`10.0.0.${pe}:1`, isid, `10.0.0.${pe}`), attr);
    }
    fabric.read();
    expect(fabric.fib.pages.domains(0, 10).rows).toMatchObject([
      { name: "core", service: "pbb", macs: 1, inclusives: 3, isids: [70_000, 0x30_0000] },
    ]);
    // RFC 9541: the B-MAC once more, with the I-SID as tag and a higher sequence.
    announce(fabric, ["65000:1"], { tag: 70_000 }, { tunnel: 10, sequence: 1 });
    expect(domains(fabric)).toEqual(["core"]);
    fabric.lose(0).lose(1).lose(2).read();
    expect(fabric.fib.tables.domains.count).toBe(1);
  });

  it("without route targets takes its VNI: leaves with their own AS in the route target are one", () => {
    const byVni = named("vni100", { vni: 100 });
    expect(domainsOf(["65001:100"], { label: 100 }, {}, [byVni])).toEqual(["65001:100", "vni100"]);
    expect(domainsOf([], { label: 100 }, {}, [byVni])).toEqual(["vni100"]);
    expect(domainsOf([], { label: 100 }, { tunnel: 10 }, [byVni])).toEqual([]);
    expect(domainsOf([], { label: 101 }, {}, [byVni])).toEqual([]);
  });

  it("is there without routes, and says what it is", () => {
    const red = named("red", { routeTargets: ["65000:1"], vni: 100, service: "vlan-bundle" });
    const fabric = new Fabric({ domains: [red] });
    expect(fabric.fib.pages.domains(0, 10).rows).toMatchObject([
      { name: "red", configured: true, service: "vlan-bundle", vni: 100, macs: 0 },
    ]);
  });

  it("has the VNI of its type 3 routes before the first MAC", () => {
    const fabric = new Fabric();
    const attr = { nextHop: "10.0.0.1", targets: ["65000:9"], pmsiLabel: 909 };
    fabric.announce(1, imet("10.0.0.1:1", 0, "10.0.0.1"), attr).read();
    expect(fabric.fib.pages.domains(0, 10).rows).toMatchObject([
      { name: "65000:9", vni: 909, inclusives: 1, service: "vlan-based" },
    ]);
  });

  it("is refused with a route target that is none", () => {
    expect(() => new Fabric({ domains: [named("bad", { routeTargets: ["x"] })] })).toThrow(
      "x is no route target",
    );
  });
});

describe("labels", () => {
  it("are VNIs or MPLS labels by the encapsulation", () => {
    const label = (attr: Partial<AttrSpec>, defaults: "vxlan" | "mpls" = "mpls") => {
      const fabric = new Fabric({ defaultEncapsulation: defaults });
      announce(fabric, ["65000:1"], { label: 0x001230 }, attr);
      return fabric.fib.view.mac(1)?.label;
    };
    expect(label({})).toEqual({ kind: "vni", value: 0x1230 });
    expect(label({ tunnel: 19 })).toEqual({ kind: "vni", value: 0x1230 });
    expect(label({ tunnel: 10 })).toEqual({ kind: "mpls", value: 0x123 });
    expect(label({ tunnel: 0 })).toEqual({ kind: "mpls", value: 0x123 });
    expect(label({ tunnel: 0 }, "vxlan")).toEqual({ kind: "vni", value: 0x1230 });
  });
});
