/** The gateway behind `GatewayControl`. */
import { compareCatalogs, entryText, limitsText, readCatalog } from "../catalog/index.js";
import type { Clock } from "../../util/clock.js";
import type {
  BreakGlassView,
  CatalogTrial,
  Count,
  GatewayControl,
  GatewayFlowRow,
  GatewayMemberRow,
  GatewayStatus,
} from "./control.js";
import { GatewayError } from "./error.js";
import type { Gateway } from "./gateway.js";
import { glassView, type HeldGlass } from "./glass.js";
import { elementText, familyOf, KEYS } from "./keys.js";
import { countOf } from "./listing.js";
import { COUNTERS, type CounterName } from "./names.js";
import { openingScript } from "./opening.js";
import type { MatchKind } from "./policy.js";
import { SharedAnswer } from "./turns.js";

/** The Sec-EMs, as the desk needs them. */
export interface DeskFeeds {
  /** Checks a break-glass document, and tells the gateway of it; returns why not. */
  admit(document: Uint8Array): string | undefined;
  /** For all of what there is. */
  askAgain(): void;
}

const NO_FEEDS: DeskFeeds = { admit: () => "no Sec-EM is known here", askAgain() {} };
const MOST_GLASS_OCTETS = 4096;
const BACKWARD: readonly MatchKind[] = ["answer", "back", "pairback"];

export class GatewayDesk implements GatewayControl {
  private readonly gateway: Gateway;
  private readonly clock: Clock;
  private readonly feeds: DeskFeeds;
  private readonly statusAnswer = new SharedAnswer(() => this.readStatus());
  private readonly flowsAnswer = new SharedAnswer(() => this.readFlows());

  constructor(gateway: Gateway, clock: Clock, feeds: DeskFeeds = NO_FEEDS) {
    this.gateway = gateway;
    this.clock = clock;
    this.feeds = feeds;
  }

  status(): Promise<GatewayStatus> {
    return this.statusAnswer.ask();
  }

  flows(): Promise<readonly GatewayFlowRow[]> {
    return this.flowsAnswer.ask();
  }

  members(): Promise<readonly GatewayMemberRow[]> {
    return Promise.resolve(this.rows());
  }

  script(): Promise<string> {
    const { plan, settings } = this.gateway.view();
    const { open } = plan.openings;
    const opening = openingScript(settings.table, undefined, open, this.clock.now());
    return Promise.resolve(plan.script + opening);
  }

  compare(data: unknown): Promise<CatalogTrial> {
    const outcome = readCatalog(data);
    if (outcome.kind === "problems") {
      return Promise.resolve({ changes: [], problems: outcome.problems });
    }
    const { catalog } = this.gateway.view();
    const changes = compareCatalogs(catalog?.catalog, outcome.catalog);
    return Promise.resolve({ changes, problems: [] });
  }

  repair(actor: string): Promise<boolean> {
    return this.gateway.look(actor);
  }

  remove(actor: string): Promise<void> {
    return this.gateway.remove(actor);
  }

  async install(actor: string): Promise<void> {
    await this.gateway.install(actor);
    // What it was told while it was out, members and catalog, it has not kept.
    this.feeds.askAgain();
  }

  async breakGlass(document: string): Promise<BreakGlassView> {
    const octets = new Uint8Array(Buffer.from(document, "base64"));
    if (octets.length === 0 || octets.length > MOST_GLASS_OCTETS) {
      throw new GatewayError("invalid", "a break-glass document is some hundred octets in base64");
    }
    const { state, settings, glass: before } = this.gateway.view();
    if (state === "removed") throw new GatewayError("off", "the gateway's rules were removed");
    const why = this.feeds.admit(octets);
    if (why !== undefined) throw new GatewayError("refused", why);
    const { glass } = this.gateway.view();
    const taken = glass.find((one) => !before.includes(one));
    if (taken === undefined) {
      const mine = `this gateway is of ${settings.tenant}`;
      throw new GatewayError("refused", `the document is for another tenant: ${mine}`);
    }
    // Answered when it is in force.
    await this.gateway.inTurn(() => Promise.resolve());
    return glassView(taken, this.clock.now());
  }

  async endBreakGlass(serial: number): Promise<boolean> {
    const isThat = (one: HeldGlass): boolean => one.entry.serial === serial;
    if (!this.gateway.view().glass.some(isThat)) return false;
    await this.gateway.endGlass(isThat);
    return true;
  }

  private readStatus(): Promise<GatewayStatus> {
    return this.gateway.inLull(async () => {
      const view = this.gateway.view();
      const { settings, catalog, since, tookMs, plan, members, shaped, glass } = view;
      const listing = await this.gateway.kernel.counters(settings.table);
      const counters = Object.fromEntries(
        COUNTERS.map((name) => [name, countOf(listing, name)]),
      ) as Record<CounterName, Count>;
      return {
        ...{ state: view.state, tenant: settings.tenant, table: settings.table },
        catalog:
          catalog === undefined
            ? undefined
            : {
                ...{ version: catalog.catalog.version, digest: catalog.digest, since, tookMs },
                entries: catalog.catalog.entries.length,
                action: plan.action === "lower" ? "lower" : "drop",
              },
        open: this.rows().filter(({ open }) => open).length,
        members: members.length,
        ...{ counters, alarms: this.gateway.alarms.raised() },
        interfaces: settings.interfaces.map(({ name }) => ({
          name,
          shaped: shaped.includes(name),
        })),
        ...{ repairs: view.repairs, problems: view.problems },
        breakGlass: glass.map((one) => glassView(one, this.clock.now())),
      };
    });
  }

  /** One set at a time: a large table takes long to list, and changes do not wait for all of it. */
  private async readFlows(): Promise<readonly GatewayFlowRow[]> {
    const { catalog, plan, settings } = this.gateway.view();
    const entries = catalog?.catalog.entries ?? [];
    const forth = entries.map(() => ({ packets: 0, octets: 0 }));
    const answers = entries.map(() => ({ packets: 0, octets: 0 }));
    const add = (index: number, back: boolean, count: Count | undefined): void => {
      const sum = (back ? answers : forth)[index];
      if (sum === undefined || count === undefined) return;
      sum.packets += count.packets;
      sum.octets += count.octets;
    };
    const sets = new Map<string, Map<string, Count>>();
    for (const { kind } of KEYS) {
      for (const family of [4, 6] as const) {
        const wanted = plan.policy.exact.some(
          (match) => match.kind === kind && familyOf(match.from) === family,
        );
        if (!wanted) continue;
        const set = `${kind}${family}`;
        sets.set(set, await this.gateway.inLull(() => this.gateway.kernel.elements(set)));
      }
    }
    for (const match of plan.policy.exact) {
      const counts = sets.get(`${match.kind}${familyOf(match.from)}`);
      add(match.entry, BACKWARD.includes(match.kind), counts?.get(listedAs(elementText(match))));
    }
    const { counters } = await this.gateway.inLull(() =>
      this.gateway.kernel.counters(settings.table),
    );
    plan.policy.wide.forEach(({ entry, answer }, index) => {
      add(entry, answer, counters.get(`wide_${index}`));
    });
    const none = { packets: 0, octets: 0 };
    return entries.map((entry, index) => ({
      ...{ name: entryText(entry), limits: limitsText(entry) },
      ...{ forth: forth[index] ?? none, answers: answers[index] ?? none },
    }));
  }

  private rows(): GatewayMemberRow[] {
    const { members, plan } = this.gateway.view();
    const now = this.clock.now();
    const { open: places } = plan.openings;
    return members.map(({ vnf, instance, id, state, reason, addresses, until }) => {
      const open = state === "trusted" && addresses.some((address) => places.has(address));
      const leftMs = open && until !== undefined ? Math.max(0, until - now) : undefined;
      return { vnf, instance, id, state, reason, addresses, open, leftMs };
    });
  }
}

/** nft writes the protocols that it knows by name. */
function listedAs(element: string): string {
  const [from, to, protocol, ...rest] = element.split(" . ");
  if (protocol === undefined) return element;
  const name = PROTOCOL_NAMES.get(Number(protocol)) ?? protocol;
  return [from, to, name, ...rest].join(" . ");
}

const PROTOCOL_NAMES = new Map<number, string>([
  [1, "icmp"],
  [6, "tcp"],
  [17, "udp"],
  [33, "dccp"],
  [47, "gre"],
  [50, "esp"],
  [51, "ah"],
  [58, "ipv6-icmp"],
  [108, "comp"],
  [132, "sctp"],
  [136, "udplite"],
]);
