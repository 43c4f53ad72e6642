/** Statements put together by what they are about: interfaces, lists, crypto maps, policies, keys. */
import { plainInterface } from "../importing/far-end.js";
import type { Notebook } from "../importing/notebook.js";
import type { GatewayInterface } from "../../model/index.js";
import type { LogicalLine } from "../text/lines.js";
import type { SecretWord } from "../text/placeholder.js";
import { maskPix } from "./grammar.js";
import { printStatement } from "./print.js";
import type { AccessStatement, MapDetail, PolicyDetail, Statement } from "./statement.js";

type Of<K extends Statement["kind"]> = Extract<Statement, { kind: K }>;

export interface GatheredEntry {
  readonly map: string;
  readonly sequence: number;
  readonly line: LogicalLine;
  readonly peers: string[];
  manual: boolean;
  list: string | undefined;
  transformSets: readonly string[];
  pfs: number | undefined;
  seconds: number | undefined;
  kilobytes: number | undefined;
}

export interface GatheredPolicy {
  readonly number: number;
  method: "pre-share" | "rsa-sig";
  cipher: string;
  hash: "md5" | "sha";
  group: number;
  seconds: number;
}

/** Kinds of which there may be many: the very same one twice is one. */
const LISTED: ReadonlySet<Statement["kind"]> = new Set([
  "access-list",
  "global",
  "nat",
  "nat-exempt",
  "route",
]);

export interface GatheredKey {
  readonly secret: SecretWord;
  readonly peer: string;
  readonly mask: string;
  readonly line: LogicalLine;
}

export class Assembly {
  readonly interfaces = new Map<string, GatewayInterface>();
  /** Security levels of the interfaces, as far as they are told. */
  readonly levels = new Map<string, number>();
  readonly lists = new Map<
    string,
    { readonly statement: AccessStatement; readonly line: LogicalLine }[]
  >();
  readonly entries = new Map<string, GatheredEntry>();
  /** Interfaces of the crypto maps. */
  readonly mapInterfaces = new Map<string, string>();
  readonly sets = new Map<string, { readonly transforms: string; transport: boolean }>();
  readonly policies = new Map<number, GatheredPolicy>();
  readonly keys: GatheredKey[] = [];
  readonly exempt: {
    readonly interface: string;
    readonly list: string;
    readonly line: LogicalLine;
  }[] = [];
  readonly nats: { readonly statement: Of<"nat">; readonly line: LogicalLine }[] = [];
  readonly globals: { readonly statement: Of<"global">; readonly line: LogicalLine }[] = [];
  readonly routes: Of<"route">[] = [];
  readonly ikeInterfaces: string[] = [];
  hostName: string | undefined;
  permitIpsec = false;
  identity: "address" | "hostname" = "address";
  keepalive: Of<"isakmp-keepalive"> | undefined;
  natTraversal: Of<"isakmp-nat-traversal"> | undefined;
  lifetime: Of<"ipsec-lifetime"> | undefined;
  private readonly others: string[] = [];
  private readonly once = new Set<string>();
  private readonly notebook: Notebook;

  constructor(notebook: Notebook) {
    this.notebook = notebook;
  }

  take(statement: Statement, line: LogicalLine): void {
    if (LISTED.has(statement.kind) && this.said(printStatement(statement), line)) return;
    switch (statement.kind) {
      case "nameif":
        this.levels.set(statement.name, statement.level);
        // The model has no hardware names: the line stays as well.
        this.others.push(printStatement(statement));
        return;
      case "hostname":
        this.hostName = statement.name;
        return;
      case "mtu":
        this.interface(statement.interface, { mtu: statement.mtu });
        return;
      case "address":
        this.interface(statement.interface, { addresses: [statement.address] });
        return;
      case "access-list": {
        const list = this.lists.get(statement.list) ?? [];
        list.push({ statement, line });
        this.lists.set(statement.list, list);
        return;
      }
      case "global":
        this.globals.push({ statement, line });
        return;
      case "nat":
        this.nats.push({ statement, line });
        return;
      case "nat-exempt":
        this.exempt.push({ interface: statement.interface, list: statement.list, line });
        return;
      case "route":
        if (statement.metric === 1) this.routes.push(statement);
        else this.keep(line);
        return;
      case "permit-ipsec":
        this.permitIpsec = true;
        return;
      default:
        this.crypto(statement, line);
    }
  }

  /** A command that has no place in the model. */
  keep(line: LogicalLine): void {
    const text = maskPix(line.text);
    this.others.push(text);
    const blanked = text === line.text ? "" : ", without its secret";
    if (line.kind === "stray") {
      const message = `the command is not known; it is kept as it is${blanked}`;
      this.notebook.add("warning", "unknown", line, message, "look whether the line is whole");
    } else {
      const message = `the command is no matter of tunnels; it is kept as it is${blanked}`;
      this.notebook.add("info", "kept", line, message, "nothing to do");
    }
  }

  kept(): readonly string[] {
    return this.others;
  }

  /** Whether the very same line stood before. */
  private said(text: string, line: LogicalLine): boolean {
    if (!this.once.has(text)) {
      this.once.add(text);
      return false;
    }
    const message = "the line stood before; it counts once";
    this.notebook.add("info", "line-twice", line, message, "nothing to do");
    return true;
  }

  private crypto(statement: Statement, line: LogicalLine): void {
    switch (statement.kind) {
      case "transform-set":
        this.sets.set(statement.name, { transforms: statement.transforms, transport: false });
        return;
      case "transform-mode": {
        const set = this.sets.get(statement.name);
        if (set !== undefined) set.transport = true;
        return;
      }
      case "ipsec-lifetime":
        this.lifetime = statement;
        return;
      case "map":
        this.entry(statement, line);
        return;
      case "map-interface":
        this.mapInterfaces.set(statement.map, statement.interface);
        return;
      case "isakmp-enable":
        if (!this.ikeInterfaces.includes(statement.interface)) {
          this.ikeInterfaces.push(statement.interface);
        }
        return;
      case "isakmp-key":
        this.keys.push({ ...statement, line });
        return;
      case "isakmp-identity":
        this.identity = statement.identity;
        return;
      case "isakmp-keepalive":
        this.keepalive = statement;
        return;
      case "isakmp-nat-traversal":
        this.natTraversal = statement;
        return;
      case "isakmp-policy":
        this.policy(statement.number, statement.detail);
        return;
      default:
    }
  }

  private interface(name: string, change: Partial<GatewayInterface>): void {
    const before = this.interfaces.get(name) ?? plainInterface(name, name, "layer3");
    this.interfaces.set(name, { ...before, ...change });
  }

  private entry({ map, sequence, detail }: Of<"map">, line: LogicalLine): void {
    const key = `${map} ${sequence}`;
    const entry: GatheredEntry = this.entries.get(key) ?? {
      map,
      sequence,
      line,
      peers: [],
      manual: false,
      list: undefined,
      transformSets: [],
      pfs: undefined,
      seconds: undefined,
      kilobytes: undefined,
    };
    this.entries.set(key, entry);
    applyMap(entry, detail);
  }

  /** What is not said is what PIX OS takes: DES, SHA, group 1, signatures, a day. */
  private policy(number: number, detail: PolicyDetail): void {
    const policy: GatheredPolicy = this.policies.get(number) ?? {
      number,
      method: "rsa-sig",
      cipher: "des",
      hash: "sha",
      group: 1,
      seconds: 86_400,
    };
    this.policies.set(number, policy);
    if (detail.kind === "authentication") policy.method = detail.method;
    else if (detail.kind === "encryption") policy.cipher = detail.cipher;
    else if (detail.kind === "hash") policy.hash = detail.hash;
    else if (detail.kind === "group") policy.group = detail.group;
    else policy.seconds = detail.seconds;
  }
}

function applyMap(entry: GatheredEntry, detail: MapDetail): void {
  switch (detail.kind) {
    case "type":
      entry.manual = detail.type === "ipsec-manual";
      return;
    case "match":
      entry.list = detail.list;
      return;
    case "peer":
      entry.peers.push(detail.peer);
      return;
    case "transform-set":
      entry.transformSets = detail.names;
      return;
    case "pfs":
      entry.pfs = detail.group;
      return;
    case "lifetime":
      entry.seconds = detail.seconds ?? entry.seconds;
      entry.kilobytes = detail.kilobytes ?? entry.kilobytes;
  }
}
