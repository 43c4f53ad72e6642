/** What was put together, as a model: the gateway with all it has, its tunnels, and a far end for each. */
import {
  ANY,
  NO_NAT,
  PREDEFINED_ZONES,
  type AddressEntry,
  type Gateway,
  type IpsecModel,
  type Policy,
  type Tunnel,
  type Zone,
} from "../../model/index.js";
import { addressNote, farGateway, freeName, ownReach, plainRef } from "../importing/far-end.js";
import type { ImportedSecret, ImportOptions } from "../importing/imported.js";
import type { Notebook } from "../importing/notebook.js";
import type { Assembly, GatheredPolicy } from "./assembly.js";
import { zoneName } from "./assembly.js";
import { surroundingsOf } from "./model-networks.js";
import { tunnelOf, type TunnelParts } from "./model-tunnel.js";

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
  const name = plainRef(options.gateway ?? hostName(assembly) ?? "imported");
  const taken = new Set([name]);
  const secrets: ImportedSecret[] = [];
  const tunnels: Tunnel[] = [];
  const far: Gateway[] = [];
  const book = addressBook(assembly, notebook);
  const surroundings = surroundingsOf(assembly, book);
  const names = new Set<string>();
  let own: Gateway["reach"] | undefined;
  for (const vpn of assembly.vpns.values()) {
    const found = assembly.gateways.get(vpn.statement.gateway);
    const parts: TunnelParts = { vpn, gateway: found, assembly, surroundings, local: name };
    const built = tunnelOf(parts, notebook, secrets);
    if (built === undefined) continue;
    own ??= built.ownReach;
    const farName = freeName(plainRef(plainFarName(vpn.statement.gateway)), taken);
    taken.add(farName);
    const routeBased = built.tunnel.kind === "route-based";
    far.push(farGateway(farName, "screenos", built.reach, built.identity, routeBased));
    const [first, second] = built.tunnel.ends;
    const unique = freeName(built.tunnel.name, names);
    names.add(unique);
    tunnels.push({ ...built.tunnel, name: unique, ends: [first, { ...second, gateway: farName }] });
  }
  const used = new Set([...assembly.vpns.values()].map((vpn) => vpn.statement.gateway));
  for (const { statement, line } of assembly.gateways.values()) {
    if (used.has(statement.name)) continue;
    notebook.add(
      "warning",
      "gateway-unused",
      line,
      `no VPN uses the gateway "${statement.name}", so no tunnel comes of it`,
      "import the VPN's lines, too",
    );
  }
  const { reach, tunnels: told } = ownReach(own, name, tunnels);
  if (own === undefined && tunnels.length > 0) addressNote(name, notebook);
  const gateway: Gateway = {
    name,
    site: name,
    vendor: "screenos",
    description: "",
    reach,
    zones: ownZones(assembly),
    interfaces: [...assembly.interfaces.values()].map((one) =>
      // Zone Trust translates unless told otherwise.
      one.zone === "Trust" && !assembly.moded.has(one.name) ? { ...one, mode: "nat" } : one,
    ),
    addressBook: book,
    policies: policies(assembly, tunnels, notebook),
    nat: NO_NAT,
    routes: assembly.routes.map(({ prefix, interface: through, gateway: nextHop }) => ({
      prefix,
      ...(through !== undefined && { interface: through }),
      ...(nextHop !== undefined && { nextHop }),
    })),
    permitIpsec: false,
    ikeInterfaces: [],
  };
  zoneNotes(gateway, notebook);
  const gateways = [gateway, ...far];
  const sites = gateways.map(({ site }) => ({ name: site, description: "" }));
  return { gateway: name, model: { sites, gateways, tunnels: told }, secrets };
}

function hostName(assembly: Assembly): string | undefined {
  for (const line of assembly.kept()) {
    const found = /^set hostname "?([A-Za-z0-9._-]+)"?$/.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `To_HQ` leads to HQ. */
function plainFarName(gateway: string): string {
  return /^to[_-](.+)$/i.exec(gateway)?.[1] ?? gateway;
}

function addressBook(assembly: Assembly, notebook: Notebook): AddressEntry[] {
  const entries = new Map<string, AddressEntry>();
  for (const { statement, line } of assembly.addresses) {
    const entry = {
      zone: zoneName(statement.zone),
      name: statement.name,
      prefix: statement.prefix,
    };
    const key = `${entry.zone}\n${entry.name}`;
    const before = entries.get(key);
    if (before !== undefined && before.prefix !== entry.prefix) {
      const message = `"${entry.name}" was ${before.prefix} before; this one counts`;
      notebook.add("warning", "defined-twice", line, message, "remove the other one");
    }
    entries.set(key, entry);
  }
  return [...entries.values()];
}

function ownZones(assembly: Assembly): Zone[] {
  const known = new Set(PREDEFINED_ZONES.map(({ name }) => name));
  const zones: Zone[] = [];
  for (const { zone } of assembly.interfaces.values()) {
    if (known.has(zone)) continue;
    known.add(zone);
    zones.push({ name: zone, trusted: false });
  }
  return zones;
}

function policies(assembly: Assembly, tunnels: readonly Tunnel[], notebook: Notebook): Policy[] {
  const books = new Set(
    assembly.addresses.map(({ statement: { zone, name } }) => `${zoneName(zone)}\n${name}`),
  );
  const byVpn = new Map(tunnels.map(({ name, ends: [own] }) => [own.names.vpn ?? name, name]));
  return [...assembly.policies.values()].map((gathered) => {
    const { id, statement, enabled, log, line } = gathered;
    const [from, to] = [zoneName(statement.from), zoneName(statement.to)];
    for (const [zone, names] of [
      [from, gathered.sources],
      [to, gathered.destinations],
    ] as const) {
      for (const name of names) {
        if (/^any$/i.test(name) || books.has(`${zone}\n${name}`)) continue;
        const message = `policy ${id} names "${name}", and the address book of zone ${zone} has no such entry`;
        notebook.add(
          "warning",
          "address-unknown",
          line,
          message,
          `add it: set address "${zone}" "${name}" NETWORK MASK`,
        );
      }
    }
    if (statement.action === "reject") {
      const message = "reject is read as deny: it answers nothing to the sender";
      notebook.add("warning", "action", line, message, "nothing to do");
    }
    return {
      id,
      ...(statement.name !== undefined && { name: statement.name }),
      from,
      to,
      sources: gathered.sources.map(anyName),
      destinations: gathered.destinations.map(anyName),
      services: gathered.services.map((one) => (/^any$/i.test(one) ? "ANY" : one)),
      ...actionOf(gathered, byVpn),
      log,
      enabled,
    };
  });
}

function actionOf(
  { statement }: GatheredPolicy,
  byVpn: ReadonlyMap<string, string>,
): Pick<Policy, "action" | "tunnel"> {
  const { action, vpn } = statement;
  if (action === "permit") return { action };
  if (action !== "tunnel") return { action: "deny" };
  return { action, tunnel: byVpn.get(vpn ?? "") ?? vpn };
}

function anyName(name: string): string {
  return /^any$/i.test(name) ? ANY : name;
}

/** What a reader of the text would trip over. */
function zoneNotes({ interfaces, policies: list }: Gateway, notebook: Notebook): void {
  for (const { name, zone, addresses } of interfaces) {
    if (zone !== "Null" || addresses.length === 0) continue;
    const message = `${name} has the address ${addresses[0] ?? ""} and is in zone Null, where nothing passes`;
    notebook.add(
      "warning",
      "zone-null",
      undefined,
      message,
      `put it into a zone: set interface "${name}" zone "Trust"`,
    );
  }
  const zones = new Set(interfaces.map(({ zone }) => zone));
  const used = new Set(list.flatMap(({ from, to }) => [from, to]));
  for (const zone of used) {
    if (zones.has(zone) || interfaces.length === 0) continue;
    const message = `policies speak of zone ${zone}, and no interface is in it`;
    notebook.add(
      "warning",
      "zone-empty",
      undefined,
      message,
      "put the inside interface into that zone",
    );
  }
}
