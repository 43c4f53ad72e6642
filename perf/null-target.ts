/**
 * The null target: answers the OPEN of each session and copies its UPDATEs to all
 * other sessions. It parses nothing else, keeps nothing, decides nothing; what the churn tool reaches
 * against it is the ceiling of generator, kernel and copying on this machine.
 *
 *   node dist/perf/null-target.js --listen 127.0.0.1:1790
 *
 * For tests of the verification it can be made to err: `--fault drop|next-hop|sequence|repeat`
 * does so to the UPDATE number `--fault-at` (counted over all sources) on its way to the last session.
 */
import { createServer, type Server, type Socket } from "node:net";
import { Command, Option } from "commander";
import { readU16, readU32, readU8, writeU32 } from "../src/util/bytes.js";
import { isMain } from "./fleet/is-main.js";
import { END_OF_RIB, HEADER, KEEPALIVE, MessageType } from "./fleet/wire.js";

export type Fault = "none" | "drop" | "next-hop" | "sequence" | "repeat";

export interface NullTargetOptions {
  readonly host: string;
  readonly port: number;
  readonly fault?: Fault;
  readonly faultAt?: number;
}

interface Session {
  readonly socket: Socket;
  open: boolean;
  pending: Buffer;
}

/** Resolves when it listens; port 0 takes a free one. */
export async function startNullTarget(options: NullTargetOptions): Promise<Server> {
  const sessions = new Set<Session>();
  const relay = new Relay(sessions, options.fault ?? "none", options.faultAt ?? 0);
  const server = createServer({ noDelay: true }, (socket) => {
    const session: Session = { socket, open: false, pending: Buffer.alloc(0) };
    sessions.add(session);
    socket.on("data", (data: Buffer) => relay.read(session, data));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, 1024, resolve);
  });
  server.on("close", () => {
    for (const session of sessions) session.socket.destroy();
  });
  return server;
}

class Relay {
  private readonly sessions: Set<Session>;
  private readonly fault: Fault;
  private readonly faultAt: number;
  private updates = 0;

  constructor(sessions: Set<Session>, fault: Fault, faultAt: number) {
    this.sessions = sessions;
    this.fault = fault;
    this.faultAt = faultAt;
  }

  read(session: Session, data: Buffer): void {
    const bytes = session.pending.length === 0 ? data : Buffer.concat([session.pending, data]);
    let at = 0;
    let copyFrom = 0;
    while (at + HEADER <= bytes.length) {
      const end = at + readU16(bytes, at + 16);
      if (end > bytes.length || end < at + HEADER) break;
      if (readU8(bytes, at + 18) !== MessageType.Update) {
        if (at > copyFrom) this.copy(session, bytes.subarray(copyFrom, at));
        copyFrom = end;
        if (!session.open) answerOpen(session.socket, bytes, at, end);
        session.open = true;
      }
      at = end;
    }
    if (at > copyFrom) this.copy(session, bytes.subarray(copyFrom, at));
    session.pending = Buffer.from(bytes.subarray(at));
  }

  private copy(from: Session, span: Buffer): void {
    const last = [...this.sessions].at(-1);
    for (const session of this.sessions) {
      if (session === from || !session.open) continue;
      if (this.fault === "none" || session !== last) session.socket.write(span);
      else session.socket.write(this.spoil(span));
    }
  }

  private spoil(span: Buffer): Buffer {
    const messages: Buffer[] = [];
    for (let at = 0; at < span.length;) {
      const end = at + readU16(span, at + 16);
      const message = Buffer.from(span.subarray(at, end));
      at = end;
      const isUpdate =
        readU8(message, 18) === MessageType.Update && message.length > END_OF_RIB.length;
      if (!isUpdate || this.updates++ !== this.faultAt) messages.push(message);
      else messages.push(...spoilt(message, this.fault));
    }
    return Buffer.concat(messages);
  }
}

function spoilt(message: Buffer, fault: Fault): Buffer[] {
  if (fault === "drop") return [];
  if (fault === "repeat") return [message, message];
  if (fault === "next-hop") {
    // behind AFI, SAFI and the next hop's length
    const nextHop = message.indexOf(Buffer.from([0, 25, 70, 4])) + 4;
    writeU32(message, nextHop, readU32(message, nextHop) + 1);
  }
  if (fault === "sequence") {
    const mobility = message.indexOf(Buffer.from([6, 0, 0, 0]));
    if (mobility > 0) writeU32(message, mobility + 4, readU32(message, mobility + 4) + 1);
  }
  return [message];
}

/** Its own OPEN is the peer's with another router id; then KEEPALIVE and an End-of-RIB. */
function answerOpen(socket: Socket, bytes: Buffer, start: number, end: number): void {
  const open = Buffer.from(bytes.subarray(start, end));
  writeU32(open, 24, (10 << 24) | (99 << 16) | 254);
  socket.write(Buffer.concat([open, KEEPALIVE, END_OF_RIB]));
}

if (isMain(import.meta.url)) {
  const program = new Command("null-target")
    .description("copies every BGP UPDATE to every other session, parsing nothing")
    .requiredOption("--listen <address:port>", "where to listen")
    .addOption(
      new Option("--fault <kind>", "err on purpose")
        .choices(["none", "drop", "next-hop", "sequence", "repeat"])
        .default("none"),
    )
    .option("--fault-at <n>", "which UPDATE to the last session", Number, 0)
    .parse();
  const options = program.opts<{ listen: string; fault: Fault; faultAt: number }>();
  const [host = "127.0.0.1", port = "0"] = options.listen.split(":");
  await startNullTarget({ ...options, host, port: Number(port) });
}
