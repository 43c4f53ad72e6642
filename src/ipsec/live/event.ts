/**
 * What the IKE daemon tells unasked, as plain data: SAs that come, go and are renewed, and its log. Everything
 * that watches tunnels (views, event log, diagnosis, traces) lives on these.
 */
import { sectionOf, textOf, type ViciTree } from "../vici/index.js";
import { readChildSa, readIkeSa, type ChildSa, type IkeSa } from "./sa.js";

export type DaemonEvent =
  | { readonly kind: "ike-up" | "ike-down"; readonly sa: IkeSa }
  | { readonly kind: "child-up" | "child-down"; readonly sa: IkeSa; readonly child: ChildSa }
  | { readonly kind: "ike-rekeyed"; readonly before: IkeSa; readonly sa: IkeSa }
  | {
      readonly kind: "child-rekeyed";
      readonly sa: IkeSa;
      readonly before: ChildSa;
      readonly child: ChildSa;
    }
  | LogEvent;

/** A line of the daemon's log. */
export interface LogEvent {
  readonly kind: "log";
  /** Part of the daemon: IKE, ENC, CFG, NET, KNL, … */
  readonly group: string;
  /** 0 = audit, 1 = control, 2 and more = debugging. */
  readonly level: number;
  /** Connection, when it was about one. */
  readonly connection: string | undefined;
  readonly uniqueId: number | undefined;
  readonly text: string;
}

/** Events that `readEvents` understands; `log` is asked for apart. */
export const SA_EVENTS = ["ike-updown", "ike-rekey", "child-updown", "child-rekey"] as const;

/** Longest log line that is kept. */
const MOST_LINE = 2048;

/** None for a name or a form that is not known: later daemons may tell more. */
export function readEvents(name: string, message: ViciTree): DaemonEvent[] {
  switch (name) {
    case "ike-updown": {
      const kind = isUp(message) ? "ike-up" : "ike-down";
      return connections(message).map(([connection, tree]) => ({
        kind,
        sa: readIkeSa(connection, tree),
      }));
    }
    case "child-updown": {
      const kind = isUp(message) ? "child-up" : "child-down";
      return connections(message).flatMap(([connection, tree]) => {
        const sa = readIkeSa(connection, tree);
        return sa.children.map((child) => ({ kind, sa, child }) as const);
      });
    }
    case "ike-rekey":
      return connections(message).flatMap(([connection, tree]) => {
        const [before, after] = [sectionOf(tree, "old"), sectionOf(tree, "new")];
        if (before === undefined || after === undefined) return [];
        return [
          {
            kind: "ike-rekeyed",
            before: readIkeSa(connection, before),
            sa: readIkeSa(connection, after),
          } as const,
        ];
      });
    case "child-rekey":
      return connections(message).flatMap(([connection, tree]) => rekeyed(connection, tree));
    case "log":
      return [readLog(message)];
    default:
      return [];
  }
}

function rekeyed(connection: string, tree: ViciTree): DaemonEvent[] {
  const sa = readIkeSa(connection, { ...tree, "child-sas": Object.create(null) as ViciTree });
  const children = sectionOf(tree, "child-sas");
  return Object.keys(children ?? {}).flatMap((key) => {
    const pair = sectionOf(children, key);
    const [before, after] = [sectionOf(pair, "old"), sectionOf(pair, "new")];
    if (before === undefined || after === undefined) return [];
    return [
      {
        kind: "child-rekeyed",
        sa,
        before: readChildSa(key, before),
        child: readChildSa(key, after),
      } as const,
    ];
  });
}

function readLog(message: ViciTree): LogEvent {
  const uniqueId = Number(textOf(message, "ikesa-uniqueid"));
  return {
    kind: "log",
    group: textOf(message, "group") ?? "",
    level: Number(textOf(message, "level") ?? 0) || 0,
    connection: textOf(message, "ikesa-name"),
    uniqueId: Number.isInteger(uniqueId) && uniqueId > 0 ? uniqueId : undefined,
    text: (textOf(message, "msg") ?? "").slice(0, MOST_LINE),
  };
}

function isUp(message: ViciTree): boolean {
  return textOf(message, "up") === "yes";
}

function connections(message: ViciTree): [string, ViciTree][] {
  return Object.keys(message).flatMap((name): [string, ViciTree][] => {
    const tree = sectionOf(message, name);
    return tree === undefined ? [] : [[name, tree]];
  });
}
