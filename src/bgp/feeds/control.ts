/** Feeds as views: plain data. Times are wall-clock milliseconds. */
import type { MonitoredRib } from "./settings.js";

export interface BmpCollectorView {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly monitor: readonly MonitoredRib[];
  /** "synchronizing" = connected, and the first walk over the tables is not done. */
  readonly state: "down" | "synchronizing" | "up";
  readonly since: number;
  readonly lastError: string | undefined;
  readonly connects: number;
  /** Times it was disconnected because it did not read fast enough. */
  readonly dropped: number;
  readonly messages: number;
  readonly octets: number;
  /** Octets that the kernel has not taken. */
  readonly pendingBytes: number;
  /** What it has not read of the event log and of the loc-RIB's change log. */
  readonly backlogBytes: number;
  readonly backlogEntries: number;
}

export interface MrtFileView {
  readonly directory: string;
  /** The file being written; undefined between files. */
  readonly file: string | undefined;
  readonly files: number;
  readonly records: number;
  readonly octets: number;
  /** Records lost: the disk was full or too slow. */
  readonly dropped: number;
  /** Octets that wait to be written. */
  readonly pendingBytes: number;
  /** Why nothing is written at the moment; undefined = all is well. */
  readonly alarm: string | undefined;
}

export interface MrtTablesView extends MrtFileView {
  readonly running: boolean;
  readonly lastDump: number | undefined;
}

export interface RecorderView {
  readonly enabled: boolean;
  readonly peers: number;
  readonly octets: number;
  readonly octetsTotal: number;
}

export interface FeedsView {
  readonly collectors: readonly BmpCollectorView[];
  /** Octets of the event log that slow collectors share. */
  readonly eventLogBytes: number;
  readonly updates: MrtFileView | undefined;
  readonly tables: MrtTablesView | undefined;
  readonly recorder: RecorderView;
}

export interface RecordingView {
  readonly peer: string;
  readonly established: boolean;
  /** Sessions, messages and octets in the recording. */
  readonly sessions: number;
  readonly messages: number;
  readonly octets: number;
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
  /** Messages that made room for newer ones. */
  readonly overwritten: number;
}

export type RecordingFormat = "pcap" | "mrt";

export interface DumpResult {
  readonly file: string;
  readonly records: number;
  readonly octets: number;
}
