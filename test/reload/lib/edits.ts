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
import { BUSY, OPTION_VALUES, TOP_VALUES, type TopName } from "./values.js";

/** As the edits keep it: every block is there. */
export interface Draft extends ConfigFile {
  "peer-groups": Record<string, GroupEntry>;
  peers: PeerEntry[];
  "dynamic-peers": DynamicEntry[];
}

const TIMERS = { "connect-retry": 1, "idle-hold": 1, "idle-hold-max": 1 };

export function firstDraft(): Draft {
  return {
    as: 65000,
    "router-id": "10.0.0.254",
    "cluster-id": "10.0.0.254",
    "key-chains": TOP_VALUES["key-chains"][0]!,
    "peer-groups": {
      leaves: { ...TIMERS, client: true, families: ["l2vpn-evpn", "ipv4-unicast"] },
      others: { ...TIMERS, client: false, families: ["l2vpn-evpn"] },
    },
    peers: [
      ...NAMED.map((address, index) => ({ address, group: index < 2 ? "leaves" : "others" })),
      ...Object.entries(EXTERNAL).map(([address, as]) => external(address, as)),
    ],
    "dynamic-peers": [{ prefix: "10.1.0.0/16", group: "leaves" }],
    policies: TOP_VALUES.policies[0]!,
    fib: { enabled: true },
    asmn: TOP_VALUES.asmn[0]!,
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

type Option = keyof PeerOptionsEntry;

/** One option takes the value, or none. */
function setOption(entry: PeerOptionsEntry, name: Option, value: unknown): void {
  // One kind of protection is to be had at a time.
  if (PROTECTION.includes(name)) for (const other of PROTECTION) delete entry[other];
  if (value === undefined) delete entry[name];
  else Object.assign(entry, { [name]: value });
}

const PROTECTION: readonly Option[] = ["password", "password-file", "password-env", "tcp-ao"];

function option(entry: PeerOptionsEntry, random: Random): void {
  const all = Object.keys(OPTION_VALUES) as Option[];
  const name = random.below(2) === 0 ? random.pick(BUSY) : random.pick(all);
  setOption(entry, name, random.pick<unknown>([undefined, ...OPTION_VALUES[name]]));
}

function top(draft: Draft, random: Random): void {
  const name = random.pick(Object.keys(TOP_VALUES) as TopName[]);
  setTop(draft, name, random.pick<unknown>([undefined, ...TOP_VALUES[name]]));
}

/** Without a value it is as in the first draft, or not there. */
function setTop(draft: Draft, name: TopName, value: unknown): void {
  delete draft[name];
  const first: ConfigFile = firstDraft();
  Object.assign(draft, { [name]: value ?? first[name] });
}

export interface NamedEdit {
  readonly name: string;
  readonly edit: (draft: Draft) => void;
}

/** For each option: its values at one peer, an external one, a group and a range, then gone. */
export function optionEdits(): ReadonlyMap<string, readonly NamedEdit[]> {
  const names = Object.keys(OPTION_VALUES) as Option[];
  return new Map(
    names.map((name) => [
      name,
      [...OPTION_VALUES[name], undefined].map((value, index) => ({
        name: `${name}: ${JSON.stringify(value)}`,
        edit: (draft) => {
          const groups = Object.values(draft["peer-groups"]);
          const places: PeerOptionsEntry[] = [...groups, ...draft["dynamic-peers"], ...draft.peers];
          const chosen =
            value === undefined ? places : places.filter((_, at) => (at + index) % 3 === 0);
          for (const entry of chosen) setOption(entry, name, value);
        },
      })),
    ]),
  );
}

export function topEdits(): ReadonlyMap<string, readonly NamedEdit[]> {
  const names = Object.keys(TOP_VALUES) as TopName[];
  return new Map(
    names.map((name) => [
      name,
      [...TOP_VALUES[name], undefined].map((value) => ({
        name: `${name}: ${JSON.stringify(value)}`,
        edit: (draft) => setTop(draft, name, value),
      })),
    ]),
  );
}

type Edit = (draft: Draft, random: Random) => void;

const EDITS: readonly (readonly [number, Edit])[] = [
  [12, (draft, random) => option(random.pick(draft.peers), random)],
  [5, (draft, random) => option(random.pick(Object.values(draft["peer-groups"])), random)],
  [4, (draft, random) => option(random.pick(draft["dynamic-peers"]), random)],
  [3, otherGroup],
  [3, comeOrGo],
  [2, ranges],
  [6, top],
  [3, (draft, random) => setTop(draft, "policies", random.pick(TOP_VALUES.policies))],
  [1, (draft, random) => setTop(draft, "fib", random.pick(TOP_VALUES.fib))],
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
