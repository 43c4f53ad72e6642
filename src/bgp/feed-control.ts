/** The part of `SpeakerControl` that is about feeds: requests checked, refusals in words. */
import {
  ControlError,
  type DumpResult,
  type FeedsView,
  type RecordingFormat,
  type RecordingView,
} from "./control.js";
import type { Feeds } from "./feeds/index.js";
import { canonicalPeerAddress } from "./session/index.js";

/** No feed is there: in tests, and as long as nothing is configured. */
export const NO_FEEDS: FeedsView = {
  collectors: [],
  eventLogBytes: 0,
  updates: undefined,
  tables: undefined,
  recorder: { enabled: false, peers: 0, octets: 0, octetsTotal: 0 },
};

export class FeedControl {
  private readonly feeds: Feeds | undefined;

  constructor(feeds: Feeds | undefined) {
    this.feeds = feeds;
  }

  view(): FeedsView {
    return this.feeds?.view() ?? NO_FEEDS;
  }

  /** For metrics: sums over collectors and files. */
  stats(): Record<string, number> {
    const { collectors, eventLogBytes, updates, tables, recorder } = this.view();
    const sum = (pick: (view: (typeof collectors)[number]) => number): number =>
      collectors.reduce((total, view) => total + pick(view), 0);
    return {
      bmp_collectors: collectors.length,
      bmp_collectors_up: sum(({ state }) => (state === "down" ? 0 : 1)),
      bmp_collectors_dropped_total: sum(({ dropped }) => dropped),
      bmp_messages_total: sum(({ messages }) => messages),
      bmp_event_log_bytes: eventLogBytes,
      mrt_records_total: (updates?.records ?? 0) + (tables?.records ?? 0),
      mrt_dropped_total: (updates?.dropped ?? 0) + (tables?.dropped ?? 0),
      mrt_alarm: updates?.alarm === undefined && tables?.alarm === undefined ? 0 : 1,
      recorder_bytes: recorder.octets,
    };
  }

  async dumpTable(): Promise<DumpResult> {
    const dump = this.feeds?.dumpTable();
    if (dump === undefined) {
      throw new ControlError("unsupported", "no place for table dumps: configure mrt.tables");
    }
    const result = await dump;
    if (result !== undefined) return result;
    const why = this.view().tables?.alarm ?? "evpnd is stopping";
    throw new ControlError("busy", `the table dump could not be written: ${why}`);
  }

  async rotate(): Promise<string> {
    const rotation = this.feeds?.rotate();
    if (rotation === undefined) {
      throw new ControlError("unsupported", "updates are not written: configure mrt.updates");
    }
    const file = await rotation;
    if (file !== undefined) return file;
    const why = this.view().updates?.alarm ?? "it has no record yet";
    throw new ControlError("busy", `there is no file to finish: ${why}`);
  }

  recordings(): readonly RecordingView[] {
    return this.feeds?.recordings() ?? [];
  }

  recording(address: string | undefined, format: RecordingFormat): Uint8Array {
    if (!this.view().recorder.enabled) {
      throw new ControlError("unsupported", "the flight recorder is off: set recorder.enabled");
    }
    const octets = this.feeds?.recording(address && canonical(address), format);
    if (octets !== undefined) return octets;
    throw new ControlError(
      "not-found",
      `nothing is recorded of ${String(address)}; evpnctl recorder list has the peers`,
    );
  }
}

function canonical(address: string): string {
  try {
    return canonicalPeerAddress(address);
  } catch {
    throw new ControlError("invalid", `"${address}" is no IP address; peers go by theirs`);
  }
}
