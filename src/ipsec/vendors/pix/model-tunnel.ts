/** One entry of a crypto map with its lists, transform sets, policies and key, as a tunnel of the model. */
import {
  anyPort,
  canonicalPrefix,
  groupOfNumber,
  lengthOfMask,
  parseTransforms,
  PROFILES,
  type ChildParameters,
  type Cipher,
  type EspProposal,
  type IkeParameters,
  type IkeProposal,
  type KeyScope,
  type Selector,
  type Tunnel,
} from "../../model/index.js";
import {
  FAR_OUTSIDE,
  MOST_NETWORKS,
  plainRef,
  similarNames,
  type Budget,
} from "../importing/far-end.js";
import type { ImportedSecret } from "../importing/imported.js";
import type { Notebook } from "../importing/notebook.js";
import type { Assembly, GatheredEntry, GatheredKey, GatheredPolicy } from "./assembly.js";
import type { KeyRing } from "./key-ring.js";
import { PIX, PIX_KILOBYTES, PIX_RETRIES, PIX_RETRY_SECONDS, PIX_SECONDS } from "./words.js";

export interface BuiltTunnel {
  /** Its second end's gateway is still to be named. */
  readonly tunnel: Tunnel;
  readonly peer: string;
  /** Interface that the crypto map is bound to. */
  readonly outside: string;
  readonly secret: ImportedSecret;
}

/** What the tunnels of one text have in common. */
export interface Shared {
  readonly keys: KeyRing;
  readonly budget: Budget;
  /** Phase 1 is of the gateway, not of a tunnel. */
  readonly ike: readonly IkeProposal[];
}

const PROFILE = PROFILES["pix"];
const PROTOCOLS: Readonly<Record<string, number>> = {
  ip: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
};

export function tunnelOf(
  entry: GatheredEntry,
  assembly: Assembly,
  local: string,
  shared: Shared,
  notebook: Notebook,
): BuiltTunnel | undefined {
  const { map, sequence, line } = entry;
  const name = plainRef(`${map}-${sequence}`);
  const fail = (code: string, message: string, remedy: string) => {
    notebook.add("error", code, line, `crypto map ${map} ${sequence}: ${message}`, remedy);
    return undefined;
  };
  if (PROFILE === undefined) return undefined;
  if (entry.manual) return fail("manual", "manual keys are not taken", "use ipsec-isakmp");
  const [peer, ...others] = entry.peers;
  if (peer === undefined)
    return fail("no-peer", "it has no peer, so it is no tunnel", "add set peer");
  if (others.length > 0) {
    const message = `crypto map ${map} ${sequence} has more peers (${others.join(", ")}); only ${peer} is taken`;
    notebook.add("warning", "peers", line, message, "make a backup tunnel of the others");
  }
  // Before anything is made of them: entries that share lists multiply.
  const size =
    (assembly.lists.get(entry.list ?? "")?.length ?? 0) +
    entry.transformSets.length +
    shared.ike.length;
  if (!shared.budget.take(size)) {
    return fail(
      "networks",
      `the text has too many networks and proposals in its lists (${MOST_NETWORKS} at most, a list counted for each entry that names it)`,
      "import fewer tunnels at once",
    );
  }
  const selectors = selectorsOf(entry, assembly, notebook);
  if (selectors.length === 0) {
    return fail(
      "no-networks",
      "no list says what it protects, so it is no tunnel",
      "add match address, and the list",
    );
  }
  const sets = entry.transformSets.map((set) => transformsOf(set, entry, assembly, notebook));
  const proposals = sets.flatMap((one) => one ?? []);
  if (proposals.length === 0) {
    return fail(
      "no-proposal",
      "it has no transform set that can be read",
      "add set transform-set, and the set",
    );
  }
  const { ike } = shared;
  if (ike.length === 0) {
    return fail(
      "no-proposal",
      "no isakmp policy with a pre-shared key is there",
      "add isakmp policy 1 …",
    );
  }
  const outside = assembly.mapInterfaces.get(map);
  if (outside === undefined) {
    const message = `crypto map ${map} is bound to no interface; "outside" is taken`;
    notebook.add(
      "warning",
      "map-unbound",
      line,
      message,
      `add: crypto map ${map} interface outside`,
    );
  }
  const key = shared.keys.of(peer);
  const secret = secretOf(key, peer, name, notebook, entry);
  const networks = networksOf(selectors);
  const parameters = ikeParameters(ike, assembly);
  const { keepalive, hostName, identity } = assembly;
  const tunnel: Tunnel = {
    name,
    description: "",
    enabled: true,
    kind: "policy-based",
    profile: PROFILE.name,
    ends: [
      {
        gateway: local,
        outgoingInterface: outside ?? "outside",
        ...(identity === "hostname" &&
          hostName !== undefined && { identity: { kind: "fqdn", value: hostName } }),
        binding: { kind: "none" },
        networks: networks.own,
        vteps: [],
        start: "trap",
        names: {
          cryptoMap: map,
          sequence,
          ...(entry.list !== undefined && { accessList: entry.list }),
          ...(entry.transformSets[0] !== undefined && { transformSet: entry.transformSets[0] }),
        },
      },
      {
        gateway: "",
        outgoingInterface: FAR_OUTSIDE,
        binding: { kind: "none" },
        networks: networks.far,
        vteps: [],
        start: "trap",
        names: {},
      },
    ],
    ike: { ...parameters, detection: detectionOf(keepalive) },
    child: childParameters(entry, assembly, proposals),
    authentication: { kind: "psk", secret: secret.name, scope: scopeOf(key) },
    ...(!isProduct(selectors, networks) && { selectors }),
    failClosed: true,
    mtu: { path: 1500, clampMss: false },
    classicalFallback: false,
    optIns: [],
  };
  return { tunnel, peer, outside: outside ?? "outside", secret };
}

function selectorsOf(entry: GatheredEntry, assembly: Assembly, notebook: Notebook): Selector[] {
  const { list, map, sequence } = entry;
  if (list === undefined) return [];
  const lines = assembly.lists.get(list);
  if (lines === undefined) {
    const similar = similarNames(list, assembly.lists.keys());
    const hint =
      similar.length === 0 ? "import its lines, too" : `did you mean ${similar.join(", ")}?`;
    const message = `crypto map ${map} ${sequence} names the access list "${list}", which is not there`;
    notebook.add("error", "unknown-name", entry.line, message, hint);
    return [];
  }
  return lines.flatMap(({ statement, line }) => {
    const protocol = PROTOCOLS[statement.protocol] ?? Number(statement.protocol);
    if (statement.action === "deny" || !(protocol <= 255)) {
      const what =
        statement.action === "deny" ? "a line that denies" : `the protocol ${statement.protocol}`;
      const message = `${what} is not taken into a tunnel's list`;
      notebook.add(
        "error",
        "list-line",
        line,
        message,
        "write the list with lines that permit alone",
      );
      return [];
    }
    return [{ ...anyPort(statement.source, statement.destination), protocol }];
  });
}

function networksOf(selectors: readonly Selector[]) {
  return {
    own: [...new Set(selectors.map(({ local }) => local))],
    far: [...new Set(selectors.map(({ remote }) => remote))],
  };
}

/** Whether the list is simply every pair, in the order in which the model makes them. */
function isProduct(
  selectors: readonly Selector[],
  { own, far }: { readonly own: readonly string[]; readonly far: readonly string[] },
): boolean {
  if (own.length * far.length !== selectors.length) return false;
  const product = own.flatMap((local) => far.map((remote) => anyPort(local, remote)));
  return JSON.stringify(product) === JSON.stringify(selectors);
}

function transformsOf(
  name: string,
  entry: GatheredEntry,
  assembly: Assembly,
  notebook: Notebook,
): EspProposal | undefined {
  const { map, sequence, line } = entry;
  const set = assembly.sets.get(name);
  if (set === undefined) {
    const similar = similarNames(name, assembly.sets.keys());
    const hint =
      similar.length === 0 ? "import its line, too" : `did you mean ${similar.join(", ")}?`;
    const message = `crypto map ${map} ${sequence} names the transform set "${name}", which is not there`;
    notebook.add("error", "unknown-name", line, message, hint);
    return undefined;
  }
  const pfs = entry.pfs === undefined ? undefined : groupOfNumber(entry.pfs);
  const proposal = parseTransforms(set.transforms, pfs);
  if (proposal === undefined) {
    const message = `the transform set "${name}" (${set.transforms}) is not taken: AH with ESP, or unknown words`;
    notebook.add("error", "proposal", line, message, "use one ESP cipher and one hash");
  }
  return proposal;
}

/** What all tunnels of the text offer in phase 1. */
export function ikeProposals({ policies }: Assembly): IkeProposal[] {
  return [...policies.values()]
    .sort((a, b) => a.number - b.number)
    .filter(({ method }) => method === "pre-share")
    .flatMap((policy) => ikeProposal(policy) ?? []);
}

function ikeProposal({
  number,
  cipher,
  hash,
  group,
  seconds,
}: GatheredPolicy): IkeProposal | undefined {
  const ciphers = Object.keys(PIX.ikeCiphers) as Cipher[];
  const encryption = ciphers.find((one) => PIX.ikeCiphers[one] === cipher);
  const dh = groupOfNumber(group);
  if (encryption === undefined || dh === undefined) return undefined;
  const integrity = hash === "md5" ? "md5" : "sha1";
  return {
    number,
    authentication: "psk",
    encryption,
    integrity,
    prf: integrity,
    group: dh,
    additional: [],
    lifetimeSeconds: seconds,
  };
}

function ikeParameters(
  proposals: readonly IkeProposal[],
  { natTraversal }: Assembly,
): IkeParameters {
  const base = PROFILE?.ike;
  if (base === undefined) throw new Error("the profile of PIX is missing");
  if (natTraversal === undefined) return { ...base, proposals };
  const nat = { ...base.nat, enabled: true, keepaliveSeconds: natTraversal.seconds ?? 20 };
  return { ...base, proposals, nat };
}

function detectionOf(keepalive: Assembly["keepalive"]): IkeParameters["detection"] {
  if (keepalive === undefined) return { kind: "none" };
  const { seconds, retry = PIX_RETRY_SECONDS } = keepalive;
  const timeoutSeconds = seconds + PIX_RETRIES * retry;
  return { kind: "dpd", delaySeconds: seconds, timeoutSeconds, action: "clear" };
}

function childParameters(
  entry: GatheredEntry,
  { lifetime, sets }: Assembly,
  proposals: readonly EspProposal[],
): ChildParameters {
  const base = PROFILE?.child;
  if (base === undefined) throw new Error("the profile of PIX is missing");
  const transport = entry.transformSets.some((name) => sets.get(name)?.transport === true);
  return {
    ...base,
    mode: transport ? "transport" : "tunnel",
    proposals,
    lifetimeSeconds: entry.seconds ?? lifetime?.seconds ?? PIX_SECONDS,
    lifetimeKilobytes: entry.kilobytes ?? lifetime?.kilobytes ?? PIX_KILOBYTES,
  };
}

function scopeOf(key: GatheredKey | undefined): KeyScope {
  const length = key === undefined ? 32 : (lengthOfMask(key.mask) ?? 32);
  if (key === undefined || length === 32) return { kind: "peer" };
  return { kind: "prefix", prefix: canonicalPrefix(`${key.peer}/${length}`) ?? key.peer };
}

function secretOf(
  key: GatheredKey | undefined,
  peer: string,
  tunnel: string,
  notebook: Notebook,
  entry: GatheredEntry,
): ImportedSecret {
  const from = key?.line.from ?? entry.line.from;
  if (key?.secret.kind === "named") return { name: key.secret.name, value: undefined, from };
  const scope = scopeOf(key);
  const name =
    scope.kind === "prefix" ? `psk-${scope.prefix.replace("/", "-")}` : plainRef(`psk-${peer}`);
  const value = key?.secret.kind === "clear" ? key.secret.value : undefined;
  const place = key?.line ?? entry.line;
  if (value === undefined) {
    const message =
      key === undefined
        ? `there is no key for ${peer}; the tunnel ${tunnel} refers to it as "${name}"`
        : `the pre-shared key is not shown; the tunnel ${tunnel} refers to it as "${name}"`;
    notebook.add(
      "warning",
      "key-masked",
      place,
      message,
      `set it: evpnctl ipsec secrets set ${name}`,
    );
  } else {
    const message = `the pre-shared key stands in clear; the tunnel ${tunnel} refers to it as "${name}"`;
    notebook.add(
      "warning",
      "key-in-clear",
      place,
      message,
      "replace the key at both ends: who has read the text knows it",
    );
  }
  return { name, value, from };
}
