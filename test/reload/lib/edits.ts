/** Random edits of a configuration file: what an operator may change, one thing or several at a time. */
import type {
  ConfigFile,
  DynamicEntry,
  GroupEntry,
  PeerEntry,
  PeerOptionsEntry,
} from "../../../src/config/file.js";
import type { Random } from "../../model/lib/random.js";
import { EXTERNAL, NAMED } from "./roles.js";

/** As the edits keep it: every block is there. */
export interface Draft {
  as: number;
  "router-id": string;
  "cluster-id": string;
  "compare-mobility": boolean;
  "flush-interval-ms": number;
  "peer-groups": Record<string, GroupEntry>;
  peers: PeerEntry[];
  "dynamic-peers": DynamicEntry[];
  policies: NonNullable<ConfigFile["policies"]>;
  fib: NonNullable<ConfigFile["fib"]>;
  http: { listen: string };
}

const TIMERS = { "connect-retry": 1, "idle-hold": 1, "idle-hold-max": 1 };

export function firstDraft(): Draft {
  return {
    as: 65000,
    "router-id": "10.0.0.254",
    "cluster-id": "10.0.0.254",
    "compare-mobility": true,
    "flush-interval-ms": 1,
    "peer-groups": {
      leaves: { ...TIMERS, client: true, families: ["l2vpn-evpn", "ipv4-unicast"] },
      others: { ...TIMERS, client: false, families: ["l2vpn-evpn"] },
    },
    peers: [
      ...NAMED.map((address, index) => ({ address, group: index < 2 ? "leaves" : "others" })),
      ...Object.entries(EXTERNAL).map(([address, as]) => external(address, as)),
    ],
    "dynamic-peers": [{ prefix: "10.1.0.0/16", group: "leaves" }],
    policies: POLICIES[0]!,
    fib: { enabled: true },
    http: { listen: "off" },
  };
}

function external(address: string, as: number): PeerEntry {
  return {
    ...TIMERS,
    address,
    "peer-as": as,
    "ebgp-accept-in": true,
    "ebgp-accept-out": true,
    families: ["l2vpn-evpn", "ipv4-unicast"],
  };
}

/** What the policies `first` and `second` may be. */
const POLICIES: readonly NonNullable<ConfigFile["policies"]>[] = [
  {
    first: [{ name: "red", match: { "route-target": "65000:100" }, then: "reject" }],
    second: [{ name: "all", set: { "local-preference": 150 } }],
  },
  {
    first: [{ name: "macs", match: { "route-type": 2, vni: 200 }, then: "reject" }],
    second: [
      { name: "blue", match: { "route-target": "65000:200" }, set: { "local-preference": 90 } },
      { name: "tag", set: { community: { add: "65000:7" } } },
    ],
  },
  {
    first: [
      { name: "shared", match: { mac: "02:00:00:00:01:f5" }, then: "quarantine" },
      { name: "prefixes", match: { prefix: "172.16.0.0/12 ge 12" }, then: "reject" },
    ],
    second: [{ name: "more", set: { "route-target": { add: "65000:300" } } }],
  },
];

type Change = (entry: PeerOptionsEntry, random: Random) => void;

/** One option takes another value, or none. */
function option<K extends keyof PeerOptionsEntry>(
  name: K,
  values: readonly PeerOptionsEntry[K][],
): Change {
  return (entry, random) => {
    const value = random.pick([undefined, ...values]);
    if (value === undefined) delete entry[name];
    else entry[name] = value;
  };
}

const OPTIONS: readonly Change[] = [
  option("client", [true, false]),
  option("client", [true, false]),
  option("families", [["l2vpn-evpn"], ["l2vpn-evpn", "ipv4-unicast"]]),
  option("hold-time", [30, 60]),
  option("passive", [true]),
  option("shutdown", [true]),
  option("description", ["one", "two"]),
  option("send-hold-time", [500]),
  option("ttl-security-hops", [1, 2]),
  option("tcp-user-timeout-ms", [5000]),
  option("ebgp-accept-in", [true, false]),
  option("ebgp-accept-out", [true, false]),
  option("next-hop-self", [true, false]),
  option("evpn-types-in", [[2], [2, 3], [1, 2, 3, 4, 5]]),
  option("evpn-types-out", [[2], [3, 5], [2, 3]]),
  option("evpn-unknown-types", ["reflect", "drop"]),
  option("prefix-limit", [3, 7, 100]),
  option("allow-as-in", [1, 2]),
  option("route-targets", [["65000:100"], ["65000:200"], ["65000:100", "65000:200"]]),
  option("allow-route-targets", [["65000:100"], ["65000:200"]]),
  option("import-policy", ["first", "second", ["first", "second"]]),
  option("export-policy", ["first", "second", ["second", "first"]]),
  option("import-default", ["accept", "reject"]),
  option("limits", [{ out: [{ maximum: 5 }] }, { "as-path": 1 }]),
];

type Edit = (draft: Draft, random: Random) => void;

const EDITS: readonly (readonly [number, Edit])[] = [
  [12, (draft, random) => random.pick(OPTIONS)(random.pick(draft.peers), random)],
  [
    5,
    (draft, random) =>
      random.pick(OPTIONS)(random.pick(Object.values(draft["peer-groups"])), random),
  ],
  [4, (draft, random) => random.pick(OPTIONS)(random.pick(draft["dynamic-peers"]), random)],
  [3, otherGroup],
  [3, comeOrGo],
  [2, ranges],
  [3, (draft, random) => void (draft.policies = random.pick(POLICIES))],
  [1, (draft) => void (draft["compare-mobility"] = !draft["compare-mobility"])],
  [1, (draft, random) => void (draft["flush-interval-ms"] = random.pick([0, 1, 5]))],
  [1, (draft, random) => void (draft["cluster-id"] = random.pick(["10.0.0.254", "10.0.0.253"]))],
  [1, (draft, random) => void (draft["router-id"] = random.pick(["10.0.0.254", "10.0.0.252"]))],
  [1, fib],
];

/** Changes one to three things. */
export function edit(draft: Draft, random: Random): void {
  for (let count = 1 + random.below(3); count > 0; count--) random.weighted(EDITS)(draft, random);
}

/** YAML is a superset of JSON. */
export function textOf(draft: Draft): string {
  return JSON.stringify(draft, null, 1);
}

function otherGroup(draft: Draft, random: Random): void {
  const inside = draft.peers.filter(({ address }) => !(address in EXTERNAL));
  if (inside.length === 0) return;
  random.pick(inside).group = random.pick(["leaves", "others"]);
}

function comeOrGo(draft: Draft, random: Random): void {
  const address = random.pick([...NAMED, ...Object.keys(EXTERNAL)]);
  const at = draft.peers.findIndex((entry) => entry.address === address);
  if (at >= 0) {
    if (draft.peers.length > 3) draft.peers.splice(at, 1);
    return;
  }
  const as = (EXTERNAL as Readonly<Record<string, number>>)[address];
  draft.peers.push(
    as === undefined
      ? { address, group: random.pick(["leaves", "others"]) }
      : external(address, as),
  );
}

function ranges(draft: Draft, random: Random): void {
  draft["dynamic-peers"] = random.pick<DynamicEntry[]>([
    [{ prefix: "10.1.0.0/16", group: "leaves" }],
    [{ prefix: "10.1.0.0/16", group: "leaves", deny: ["10.1.1.0/24"] }],
    [
      { prefix: "10.1.0.0/16", group: "leaves" },
      { prefix: "10.1.1.0/24", group: "others" },
    ],
    [{ prefix: "10.1.0.0/16", group: "others", allow: ["10.1.0.0/24"] }],
  ]);
}

function fib(draft: Draft, random: Random): void {
  draft.fib = random.pick([
    { enabled: true },
    { enabled: false },
    { enabled: true, domains: [{ name: "red", "route-targets": ["65000:100"] }] },
    { enabled: true, "default-encapsulation": "vxlan" as const },
  ]);
}
