/**
 * What a fabric of FRR PEs has learnt, by three witnesses: zebra's own tables, the kernels' bridges, and the
 * FIB of the reflector. `differences` says where they do not agree.
 */
import { command } from "./command.js";
import type { Evpnd } from "./evpnd.js";
import { peAddress, VNIS } from "./fabric.js";
import type { Fabric } from "./fabric.js";

/** As `show evpn mac vni all json` has it, by VNI. */
type ZebraMacs = Readonly<
  Record<string, { readonly macs: Readonly<Record<string, ZebraMac | undefined>> }>
>;
interface ZebraMac {
  readonly type: string;
  readonly remoteVtep?: string;
}

/** As `show evpn arp-cache vni all json` has it: by VNI, then by address, with counts between. */
type ZebraArp = Readonly<Record<string, Readonly<Record<string, ZebraNeighbour | number>>>>;
interface ZebraNeighbour {
  readonly type: string;
  readonly state: string;
  readonly mac: string;
}

/** The fields of `/v1/fib/macs` looked at here. */
export interface FibMac {
  readonly domain: string;
  readonly mac: string;
  readonly pe: string;
  readonly label: { readonly kind: string; readonly value: number };
  readonly nextHops: readonly { readonly address: string }[];
  readonly bindings: readonly { readonly ip: string; readonly lost: boolean }[];
  readonly sequence: number;
  readonly moves: number;
}

/** Entries as text: `VNI MAC PE`, and `VNI IP MAC PE` of addresses. */
export interface Fabrics {
  /** The FIB's. */
  readonly held: ReadonlySet<string>;
  readonly heldIps: ReadonlySet<string>;
  /** Local MACs and addresses of all live PEs. */
  readonly local: ReadonlySet<string>;
  readonly localIps: ReadonlySet<string>;
  /** By PE: what it has learnt from others. */
  readonly remote: ReadonlyMap<number, ReadonlySet<string>>;
  /** By PE: what its bridges forward. */
  readonly kernel: ReadonlyMap<number, ReadonlySet<string>>;
}

/** Reads all witnesses: the kernels first, whatever follows from them last. */
export async function readFabric(
  fabric: Fabric,
  live: ReadonlySet<number>,
  evpnd: Evpnd,
): Promise<Fabrics> {
  const pes = [...live];
  const kernel = await Promise.all(pes.map((pe) => kernelEntries(fabric, pe)));
  const zebra = await Promise.all(pes.map((pe) => zebraEntries(fabric, pe)));
  const macs = await evpnd.macs<FibMac>();
  const held = macs.map(({ label, mac, pe }) => `${String(label.value)} ${mac} ${pe}`);
  const heldIps = macs.flatMap(({ label, mac, pe, bindings }) =>
    bindings
      .filter(({ lost }) => !lost)
      .map(({ ip }) => `${String(label.value)} ${ip} ${mac} ${pe}`),
  );
  return {
    held: new Set(held),
    heldIps: new Set(heldIps),
    local: new Set(zebra.flatMap(({ local }) => local)),
    localIps: new Set(zebra.flatMap(({ ips }) => ips)),
    remote: new Map(pes.map((pe, index) => [pe, new Set(zebra[index]?.remote)])),
    kernel: new Map(pes.map((pe, index) => [pe, new Set(kernel[index])])),
  };
}

/** Every disagreement, a line each. */
export function differences(one: Fabrics): string[] {
  const out = [
    ...compare("the FIB", one.held, "the PEs", one.local),
    ...compare("the FIB's addresses", one.heldIps, "the PEs'", one.localIps),
  ];
  for (const [pe, remote] of one.remote) {
    const own = ` ${peAddress(pe)}`;
    const others = new Set([...one.local].filter((entry) => !entry.endsWith(own)));
    out.push(...compare(`pe${String(pe)}'s zebra`, remote, "what the others have learnt", others));
  }
  for (const [pe, kernel] of one.kernel) {
    out.push(...compare(`pe${String(pe)}'s kernel`, kernel, "what all have learnt", one.local));
  }
  return out;
}

/**
 * Clears the kernel of a PE whose daemons were killed of all they had told it of other PEs: a zebra that
 * starts does not look through what its forerunner left behind.
 */
export async function forgetRemote(fabric: Fabric, pe: number): Promise<void> {
  const name = fabric.lab.name(`pe${String(pe)}`);
  const text = await command("bridge", ["-n", name, "fdb", "show"]);
  for (const line of text.split("\n")) {
    const [, mac, device] = /^(\S+) dev (vx\d+) /.exec(line) ?? [];
    if (mac === undefined || device === undefined || line.includes(" permanent")) continue;
    const where = line.includes(" master ") ? "master" : "self";
    const dst = / dst (\S+)/.exec(line)?.[1];
    const target = dst === undefined ? [] : ["dst", dst];
    const args = ["-n", name, "fdb", "del", mac, "dev", device, ...target, where];
    await command("bridge", args).catch(() => "");
  }
  for (const vni of VNIS) {
    await command("ip", ["-n", name, "neigh", "flush", "dev", `br${String(vni)}`, "nud", "noarp"]);
  }
}

/** What everybody says of the MACs that the differences are about: to tell whose fault they are. */
export async function testimony(
  fabric: Fabric,
  live: ReadonlySet<number>,
  evpnd: Evpnd,
  found: readonly string[],
): Promise<string> {
  const macs = new Set(found.flatMap((line) => line.match(/(?:[\da-f]{2}:){5}[\da-f]{2}/g) ?? []));
  const out: string[] = [];
  for (const mac of [...macs].slice(0, 3)) {
    const said = await evpnd.get<object>(`/v1/fib/explain?mac=${mac}`).catch(String);
    out.push(`${mac}: ${JSON.stringify(said)}`);
    for (const pe of live) {
      const routes = [...(await fabric.pe(pe).evpnRoutes())].filter(([name]) => name.includes(mac));
      const zebra = await Promise.all(
        VNIS.map((vni) => fabric.pe(pe).vtysh(`show evpn mac vni ${String(vni)} mac ${mac}`)),
      );
      out.push(`pe${String(pe)} bgpd: ${JSON.stringify(routes)}`, ...zebra);
    }
  }
  return out.join("\n");
}

function compare(
  name: string,
  has: ReadonlySet<string>,
  other: string,
  wants: ReadonlySet<string>,
): string[] {
  return [
    ...[...has]
      .filter((entry) => !wants.has(entry))
      .map((entry) => `${name} has ${entry}, ${other} not`),
    ...[...wants]
      .filter((entry) => !has.has(entry))
      .map((entry) => `${name} lacks ${entry} of ${other}`),
  ];
}

async function zebraEntries(
  fabric: Fabric,
  pe: number,
): Promise<{ local: string[]; remote: string[]; ips: string[] }> {
  const local: string[] = [];
  const remote: string[] = [];
  const ips: string[] = [];
  const [macs, neighbours] = await Promise.all([
    fabric.pe(pe).json<ZebraMacs>("show evpn mac vni all"),
    fabric.pe(pe).json<ZebraArp>("show evpn arp-cache vni all"),
  ]);
  for (const [vni, table] of Object.entries(macs)) {
    for (const [mac, entry] of Object.entries(table.macs)) {
      if (entry?.type === "local") local.push(`${vni} ${mac} ${peAddress(pe)}`);
      if (entry?.type === "remote") remote.push(`${vni} ${mac} ${String(entry.remoteVtep)}`);
    }
  }
  for (const [vni, table] of Object.entries(neighbours)) {
    for (const [ip, entry] of Object.entries(table)) {
      if (typeof entry === "number" || entry.type !== "local" || entry.state !== "active") continue;
      ips.push(`${vni} ${ip} ${entry.mac} ${peAddress(pe)}`);
    }
  }
  return { local, remote, ips };
}

/**
 * What the PE's bridges forward by MAC. The bridge decides which port; behind the VXLAN port its own
 * entry says which VTEP. An entry of the VXLAN device alone (`self`) forwards nothing: zebra 8.4 leaves such
 * entries behind.
 */
async function kernelEntries(fabric: Fabric, pe: number): Promise<string[]> {
  const text = await command("bridge", ["-n", fabric.lab.name(`pe${String(pe)}`), "fdb", "show"]);
  const lines = text.split("\n");
  const out: string[] = [];
  for (const vni of VNIS) {
    const vtep = new Map<string, string>();
    for (const line of lines) {
      const [, mac, dst] = / dst /.test(line)
        ? (new RegExp(`^(\\S+) dev vx${String(vni)} dst (\\S+)`).exec(line) ?? [])
        : [];
      if (mac !== undefined && dst !== undefined) vtep.set(mac, dst);
    }
    for (const line of lines) {
      if (!line.includes(` master br${String(vni)}`) || line.includes(" permanent")) continue;
      const mac = line.slice(0, 17);
      const behind = line.includes(` dev vx${String(vni)} `)
        ? (vtep.get(mac) ?? "no VTEP")
        : peAddress(pe);
      out.push(`${String(vni)} ${mac} ${behind}`);
    }
  }
  return out;
}
