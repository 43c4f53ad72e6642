/**
 * Plain data as a catalog: what an operator wrote (`10mbit`, `tcp`, `1024-2047`) and what a signed document
 * holds go the same way, so nothing gets in that was not looked at. All that is wrong is said at once.
 */
import { readPrefix } from "./address.js";
import {
  DEFAULT_OPENS,
  EVERY,
  ICMP,
  LEAST_BURST,
  MOST_ALARMS,
  MOST_DESCRIPTORS,
  MOST_ENTRIES,
  MOST_NETWORKS,
  MOST_PREFIXES,
  NAME,
  TCP,
  WITH_PORTS,
  entryText,
  type Catalog,
  type CatalogAlarm,
  type CatalogEntry,
  type CatalogNetwork,
} from "./model.js";
import { readCount, readHours, readPorts, readProtocol, readRate, readSize } from "./words.js";

export type CatalogOutcome =
  | { readonly kind: "catalog"; readonly catalog: Catalog }
  /** Sentences without the full stop, each with where it is. */
  | { readonly kind: "problems"; readonly problems: readonly string[] };

/** No more of them are told: who sends a thousand bad entries need not read a thousand sentences. */
const MOST_PROBLEMS = 20;
const MOST_BURST = 2 ** 31;
const MOST_VERSION = Number.MAX_SAFE_INTEGER;

type Fields = Readonly<Record<string, unknown>>;

/** Reads a catalog from data such as a parsed YAML or JSON document. Never throws. */
export function readCatalog(data: unknown): CatalogOutcome {
  const reader = new Reader();
  const catalog = reader.catalog(data);
  const { problems } = reader;
  return problems.length === 0 ? { kind: "catalog", catalog } : { kind: "problems", problems };
}

class Reader {
  readonly problems: string[] = [];

  catalog(data: unknown): Catalog {
    const fields = this.fields("catalog", data, [
      ...["issuer", "tenant", "version", "descriptors", "abnormal", "networks", "entries"],
      "alarms",
    ]);
    const tenant = this.name("tenant", fields["tenant"]);
    const version =
      readCount(fields["version"], 1, MOST_VERSION) ??
      this.bad("version", "must be a whole number from 1 on", 1);
    const descriptors = this.list("descriptors", fields["descriptors"], MOST_DESCRIPTORS)
      .map((one, i) => this.name(`descriptors[${i}]`, one))
      .sort();
    const abnormal = fields["abnormal"];
    if (abnormal !== undefined && abnormal !== "drop" && abnormal !== "lower") {
      this.bad("abnormal", "must be lower or drop", 0);
    }
    const networks = this.list("networks", fields["networks"], MOST_NETWORKS).map((one, i) =>
      this.network(`networks[${i}]`, one),
    );
    const ends = new Set([...descriptors, ...networks.map(({ name }) => name)]);
    if (ends.size < descriptors.length + networks.length) {
      this.bad("descriptors and networks", "have a name twice", 0);
    }
    const entries = this.list("entries", fields["entries"], MOST_ENTRIES).map((one, i) => {
      const entry = this.entry(`entries[${i}]`, one);
      this.ends(`entries[${i}]`, [entry.from, entry.to], ends, new Set(descriptors));
      return entry;
    });
    this.unique("entries", entries.map(entryText));
    const alarms = this.list("alarms", fields["alarms"], MOST_ALARMS).map((one, i) => {
      const alarm = this.alarm(`alarms[${i}]`, one);
      this.ends(`alarms[${i}]`, [alarm.from, alarm.to ?? EVERY], ends, new Set(descriptors));
      return alarm;
    });
    this.unique(
      "alarms",
      alarms.map(({ name }) => name),
    );
    return {
      ...{ tenant, version, descriptors },
      abnormal: abnormal === "lower" || abnormal === "drop" ? abnormal : undefined,
      ...{ networks, entries, alarms },
    };
  }

  /** Both must be known, and one of the two a VNF: between networks nobody here has a say. */
  private ends(
    where: string,
    names: readonly string[],
    known: ReadonlySet<string>,
    vnfs: ReadonlySet<string>,
  ): void {
    const strange = names.find((name) => name !== EVERY && !known.has(name));
    if (strange !== undefined) {
      this.bad(
        where,
        `names ${strange}, of which the catalog has neither descriptor nor network`,
        0,
      );
    } else if (!names.some((name) => name === EVERY || vnfs.has(name))) {
      this.bad(where, "is between two networks: one end must be a VNF", 0);
    }
  }

  private network(where: string, data: unknown): CatalogNetwork {
    const fields = this.fields(where, data, ["name", "prefixes"]);
    const name = this.name(`${where}.name`, fields["name"]);
    const prefixes = this.list(`${where}.prefixes`, fields["prefixes"], MOST_PREFIXES).map(
      (one) =>
        readPrefix(one) ??
        this.bad(
          `${where}.prefixes`,
          `"${short(one)}" is no prefix such as 192.0.2.0/24 without bits behind its length`,
          "0.0.0.0/0",
        ),
    );
    if (prefixes.length === 0) this.bad(`${where}.prefixes`, "must name at least one", undefined);
    return { name, prefixes: [...new Set(prefixes)].sort() };
  }

  private entry(where: string, data: unknown): CatalogEntry {
    const fields = this.fields(where, data, [
      ...["from", "to", "protocol", "port", "portEnd", "rate", "burst", "packets", "packetRate"],
      ...["opens", "connections", "answers"],
    ]);
    const protocol = this.protocol(where, fields["protocol"]);
    const ports = this.ports(where, fields);
    if (ports !== undefined && !WITH_PORTS.includes(protocol ?? 0)) {
      this.bad(`${where}.port`, "is given for a protocol that has no ports: leave it out", 0);
    }
    // Of TCP the packets that open a connection, as descriptors have it.
    const packetRate = this.count(`${where}.packetRate`, fields["packetRate"]);
    const isTcp = protocol === TCP;
    const opens = this.count(`${where}.opens`, fields["opens"]) ?? (isTcp ? packetRate : undefined);
    const connections = this.count(`${where}.connections`, fields["connections"]);
    if (!isTcp && (opens ?? connections) !== undefined) {
      this.bad(where, "limits opens or connections, which only TCP has", 0);
    }
    const packets = this.count(`${where}.packets`, fields["packets"]);
    const burst = this.size(`${where}.burst`, fields["burst"], LEAST_BURST);
    if (burst > MOST_BURST) this.bad(`${where}.burst`, "is over 2g", 0);
    const answers = fields["answers"] ?? true;
    if (typeof answers !== "boolean") this.bad(`${where}.answers`, "must be true or false", true);
    return {
      from: this.end(`${where}.from`, fields["from"]),
      to: this.end(`${where}.to`, fields["to"]),
      ...{ protocol, ports },
      rate: fields["rate"] === undefined ? undefined : this.rate(`${where}.rate`, fields["rate"]),
      burst: Math.max(LEAST_BURST, burst),
      packets: packets ?? (isTcp ? undefined : packetRate),
      opens: opens ?? (isTcp ? DEFAULT_OPENS : undefined),
      ...{ connections, answers: answers === true },
    };
  }

  private protocol(where: string, value: unknown): number | undefined {
    if (value === "any") return undefined;
    return (
      readProtocol(value) ??
      this.bad(`${where}.protocol`, "must be tcp, udp, icmp, icmpv6, esp …, 0 to 255, or any", ICMP)
    );
  }

  private ports(where: string, fields: Fields): CatalogEntry["ports"] {
    const [first, last] = [fields["port"], fields["portEnd"]];
    const outcome = readPorts(
      typeof first === "number" && typeof last === "number" ? `${first}-${last}` : first,
    );
    if (outcome !== undefined) return outcome.ports;
    return this.bad(
      `${where}.port`,
      "must be 1 to 65535, a range such as 1024-2047, or any",
      undefined,
    );
  }

  private alarm(where: string, data: unknown): CatalogAlarm {
    const fields = this.fields(where, data, [
      ...["name", "from", "to", "octets", "window", "windowSeconds", "hours", "zone", "between"],
    ]);
    const outward = fields["to"] === undefined || fields["to"] === "outside";
    const octets = this.size(`${where}.octets`, fields["octets"], 0);
    const windowSeconds =
      readCount(fields["window"] ?? fields["windowSeconds"] ?? 60, 1, 86_400) ??
      this.bad(`${where}.window`, "must be 1 to 86400 seconds", 60);
    const hours = this.hours(where, fields);
    if (octets === 0 && hours === undefined) {
      this.bad(where, "says neither octets nor hours: it would sound always", 0);
    }
    return {
      name: this.name(`${where}.name`, fields["name"]),
      from: this.end(`${where}.from`, fields["from"]),
      to: outward ? undefined : this.name(`${where}.to`, fields["to"]),
      ...{ octets, windowSeconds, hours },
    };
  }

  private hours(where: string, fields: Fields): CatalogAlarm["hours"] {
    const { start, end } = (fields["between"] ?? {}) as { start?: unknown; end?: unknown };
    const written =
      typeof start === "string" && typeof end === "string" ? `${start}-${end}` : fields["hours"];
    if (written === undefined) return undefined;
    return (
      readHours(written, fields["zone"] ?? "UTC") ??
      this.bad(
        `${where}.hours`,
        "must be such as 01:00-05:00, with a zone such as UTC or Europe/Berlin",
        undefined,
      )
    );
  }

  private size(where: string, value: unknown, otherwise: number): number {
    if (value === undefined) return otherwise;
    return readSize(value) ?? this.bad(where, "must be octets, such as 64k", otherwise);
  }

  private rate(where: string, value: unknown): number {
    const rate = readRate(value);
    if (rate !== undefined && rate >= 8) return rate;
    return this.bad(where, "must be bit/s, such as 10mbit, at least 8", 8);
  }

  private count(where: string, value: unknown): number | undefined {
    if (value === undefined) return undefined;
    return readCount(value, 1, 100_000_000) ?? this.bad(where, "must be 1 to 100000000", undefined);
  }

  private name(where: string, value: unknown): string {
    if (typeof value === "string" && NAME.test(value)) return value;
    return this.bad(where, "must be 1 to 64 letters, digits, dots, dashes or underscores", "x");
  }

  private end(where: string, value: unknown): string {
    return value === EVERY ? EVERY : this.name(where, value);
  }

  private unique(where: string, texts: readonly string[]): void {
    const seen = new Set<string>();
    for (const text of texts) {
      if (seen.has(text)) this.bad(where, `say "${text}" twice`, undefined);
      seen.add(text);
    }
  }

  private list(where: string, value: unknown, most: number): readonly unknown[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) return this.bad(where, "must be a list", []);
    if (value.length > most) return this.bad(where, `has ${value.length}; at most ${most}`, []);
    return value;
  }

  private fields(where: string, value: unknown, known: readonly string[]): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return this.bad(where, `must have fields: ${known.join(", ")}`, {});
    }
    const strange = Object.keys(value).find((key) => !known.includes(key));
    if (strange !== undefined) {
      this.bad(where, `has no "${short(strange)}"; it has ${known.join(", ")}`, 0);
    }
    return value as Fields;
  }

  /** Notes the problem; the value to go on with, which nobody will see. */
  private bad<T>(where: string, what: string, goOn: T): T {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(`${where} ${what}`);
    return goOn;
  }
}

function short(value: unknown): string {
  return String(typeof value === "string" ? value : JSON.stringify(value)).slice(0, 60);
}
