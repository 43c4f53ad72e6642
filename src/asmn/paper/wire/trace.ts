/** Every message as it passed on the wire, in order: what is printed, and what an eavesdropper has. */
import { fromHex } from "../identifier.js";
import type { Kind, Message } from "./message.js";

/**
 * Where it could be overheard: `management` joins VIM, VNFM and Sec-EM, and carries links to the VNFs;
 * `tenant` joins the VNFs, the gateway and the Sec-EM's side that the VNFs speak to.
 */
export type Network = "management" | "tenant";

export interface TraceRow {
  readonly number: number;
  readonly network: Network;
  readonly from: string;
  readonly to: string;
  readonly kind: Kind;
  readonly fields: Readonly<Record<string, string>>;
}

/** Messages that only the management network carries. */
const MANAGEMENT: ReadonlySet<Kind> = new Set(["register", "deliver", "renew", "restarted"]);

export class Trace {
  private readonly list: TraceRow[] = [];
  private readonly onRow: (row: TraceRow) => void;

  constructor(onRow: (row: TraceRow) => void = () => undefined) {
    this.onRow = onRow;
  }

  /** @param asked the kind of the message that this one answers */
  add(from: string, to: string, { kind, fields }: Message, asked: Kind = kind): void {
    const network = MANAGEMENT.has(asked) ? "management" : "tenant";
    const row = { number: this.list.length + 1, network, from, to, kind, fields } as const;
    this.list.push(row);
    this.onRow(row);
  }

  get rows(): readonly TraceRow[] {
    return this.list;
  }
}

/** What somebody beside the tenant's wire has. */
export function overheard(rows: readonly TraceRow[]): readonly TraceRow[] {
  return rows.filter(({ network }) => network === "tenant");
}

/** The octets of a hexadecimal field; none where the row has no such field. */
export function fieldOctets(row: TraceRow | undefined, name: string): Uint8Array {
  return fromHex(row?.fields[name] ?? "");
}
