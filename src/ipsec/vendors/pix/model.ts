/** What was put together, as a model: the gateway with all it has, its tunnels, and a far end for each. */
import type {
  Gateway,
  IpsecModel,
  NatExemption,
  NatOverload,
  NatRules,
  PeerAddress,
  Tunnel,
} from "../../model/index.js";
import {
  addressNote,
  Budget,
  farGateway,
  freeName,
  MOST_NETWORKS,
  ownReach,
  plainRef,
  reachOf,
} from "../importing/far-end.js";
import type { ImportedSecret, ImportOptions } from "../importing/imported.js";
import type { Notebook } from "../importing/notebook.js";
import type { Assembly } from "./assembly.js";
import { KeyRing } from "./key-ring.js";
import { ikeProposals, tunnelOf } from "./model-tunnel.js";

export interface BuiltModel {
  readonly gateway: string;
  readonly model: IpsecModel;
  readonly secrets: readonly ImportedSecret[];
}

export function modelOf(
  assembly: Assembly,
  notebook: Notebook,
  options: ImportOptions,
): BuiltModel {
  const name = plainRef(options.gateway ?? assembly.hostName ?? "imported");
  const taken = new Set([name]);
  const far = new Map<string, Gateway>();
  const secrets = new Map<string, ImportedSecret>();
  const tunnels: Tunnel[] = [];
  const budget = new Budget(MOST_NETWORKS);
  const shared = { keys: new KeyRing(assembly.keys), budget, ike: ikeProposals(assembly) };
  let own: PeerAddress | undefined;
  const entries = [...assembly.entries.values()].sort(
    (a, b) => (a.map < b.map ? -1 : Number(a.map > b.map)) || a.sequence - b.sequence,
  );
  for (const entry of entries) {
    const built = tunnelOf(entry, assembly, name, shared, notebook);
    if (built === undefined) continue;
    const { tunnel, peer, outside, secret } = built;
    const known = secrets.get(secret.name);
    if (known?.value === undefined) secrets.set(secret.name, secret);
    own ??= outsideAddress(assembly, outside);
    let gateway = far.get(peer);
    if (gateway === undefined) {
      const farName = freeName(plainRef(`peer-${peer}`), taken);
      taken.add(farName);
      gateway = farGateway(farName, "checkpoint", reachOf(peer), undefined, false);
      far.set(peer, gateway);
    }
    const [first, second] = tunnel.ends;
    tunnels.push({ ...tunnel, ends: [first, { ...second, gateway: gateway.name }] });
  }
  keyNotes(assembly, notebook);
  const interfaces = [...assembly.interfaces.values()];
  const { reach, tunnels: told } = ownReach(own, name, tunnels);
  if (own === undefined && tunnels.length > 0) addressNote(name, notebook);
  const gateway: Gateway = {
    name,
    site: name,
    vendor: "pix",
    description: "",
    ...(assembly.hostName !== undefined && { hostName: assembly.hostName }),
    reach,
    zones: interfaces.map((one) => ({ name: one.zone, trusted: trusted(one.name, assembly) })),
    interfaces,
    addressBook: [],
    policies: [],
    nat: natOf(assembly, budget, notebook),
    routes: assembly.routes.map(({ prefix, interface: through, gateway: nextHop }) => ({
      prefix,
      nextHop,
      interface: through,
    })),
    permitIpsec: assembly.permitIpsec,
    ikeInterfaces: ikeInterfaces(assembly, tunnels, notebook),
  };
  const gateways = [gateway, ...far.values()];
  const sites = gateways.map(({ site }) => ({ name: site, description: "" }));
  return {
    gateway: name,
    model: { sites, gateways, tunnels: told },
    secrets: [...secrets.values()],
  };
}

/** Without a word on it IKE is off, and no tunnel comes up. */
function ikeInterfaces(
  { ikeInterfaces: told }: Assembly,
  tunnels: readonly Tunnel[],
  notebook: Notebook,
): readonly string[] {
  if (told.length > 0 || tunnels.length === 0) return told;
  const outside = [...new Set(tunnels.map(({ ends: [own] }) => own.outgoingInterface))];
  const message = `IKE is switched on for no interface; it is taken as on for ${outside.join(", ")}`;
  const remedy = `add: isakmp enable ${outside[0] ?? "outside"}`;
  notebook.add("warning", "ike-off", undefined, message, remedy);
  return outside;
}

function trusted(name: string, { levels }: Assembly): boolean {
  return (levels.get(name) ?? (name === "outside" ? 0 : 100)) > 0;
}

function outsideAddress({ interfaces }: Assembly, outside: string): PeerAddress | undefined {
  const address = interfaces.get(outside)?.addresses[0]?.split("/")[0];
  return address === undefined ? undefined : { kind: "static", address };
}

/** One for each interface is what a PIX takes. */
const MOST_EXEMPTIONS = 64;

/** Also puts back what is no matter of tunnels: lists that filter, pools, translations without a pool. */
function natOf(assembly: Assembly, budget: Budget, notebook: Notebook): NatRules {
  const used = new Set([...assembly.entries.values()].map(({ list }) => list));
  const exemptions: NatExemption[] = [];
  for (const { interface: name, list, line } of assembly.exempt) {
    const lines = assembly.lists.get(list) ?? [];
    used.add(list);
    if (exemptions.length >= MOST_EXEMPTIONS || !budget.take(lines.length)) {
      const message = "there are too many exemptions from translation; this one is left out";
      notebook.add("error", "exemptions", line, message, "a gateway has one for each interface");
      continue;
    }
    if (lines.length === 0) {
      const message = `there is no access list "${list}", so nothing is exempt by it`;
      notebook.add(
        "error",
        "unknown-name",
        line,
        message,
        "import its lines, too, or correct the name",
      );
    }
    const pairs = lines
      .filter(({ statement }) => statement.action === "permit" && statement.protocol === "ip")
      .map(({ statement }) => ({ local: statement.source, remote: statement.destination }));
    exemptions.push({ interface: name, list, pairs });
  }
  for (const [list, lines] of assembly.lists) {
    if (!used.has(list)) for (const { line } of lines) assembly.keep(line);
  }
  const overloads: NatOverload[] = [];
  const matched = new Set<number>();
  for (const { statement, line } of assembly.nats) {
    const pool = assembly.globals.find(
      (one) => one.statement.pool === statement.pool && one.statement.to === "interface",
    );
    if (pool === undefined || statement.pool === 0) {
      assembly.keep(line);
      continue;
    }
    matched.add(statement.pool);
    overloads.push({
      id: statement.pool,
      inside: statement.interface,
      outside: pool.statement.interface,
      source: statement.network,
    });
  }
  for (const { statement, line } of assembly.globals) {
    if (statement.to !== "interface" || !matched.has(statement.pool)) assembly.keep(line);
  }
  return { exemptions, overloads };
}

function keyNotes(assembly: Assembly, notebook: Notebook): void {
  const peers = new Set([...assembly.entries.values()].flatMap((entry) => entry.peers));
  for (const { peer, mask, line } of assembly.keys) {
    if (mask !== "255.255.255.255" || peers.has(peer)) continue;
    const message = `the key is for ${peer}, and no crypto map names that peer`;
    notebook.add("warning", "key-unused", line, message, "correct the address, or remove the key");
  }
}
