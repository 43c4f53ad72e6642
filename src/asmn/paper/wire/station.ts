/**
 * Where a role can be spoken to: a listener of its own on loopback, one request and one answer per connection.
 * Addresses are looked up by name in a directory that all roles share, and which believes everybody: who takes
 * over a name gets its messages, as with a spoofed address.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { PaperError } from "../paper-error.js";
import { decodeMessage, encodeMessage, MAX_LINE, refused, type Message } from "./message.js";
import type { Trace } from "./trace.js";

/** Milliseconds that an answer may take; images are hashed outside of any exchange. */
const PATIENCE = 30_000;

export type Handler = (message: Message) => Message | Promise<Message>;

export class Directory {
  readonly trace: Trace;
  private readonly ports = new Map<string, number>();
  private readonly servers: Server[] = [];

  constructor(trace: Trace) {
    this.trace = trace;
  }

  /** From now on `handle` answers what is sent to the name. */
  async listen(name: string, handle: Handler): Promise<void> {
    const server = createServer((socket) => void serve(socket, handle));
    this.servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    this.ports.set(name, (server.address() as AddressInfo).port);
  }

  portOf(name: string): number | undefined {
    return this.ports.get(name);
  }

  /** Sends, and waits for the answer. @throws PaperError when there is none */
  async ask(from: string, to: string, message: Message): Promise<Message> {
    const port = this.ports.get(to);
    if (port === undefined) throw new PaperError(`${from} knows no address of ${to}`);
    this.trace.add(from, to, message);
    const socket = connect({ port, host: "127.0.0.1" });
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error("no answer in time")));
    try {
      // Not ended here: the other side would then end as well, before it has an answer.
      socket.write(encodeMessage(message));
      const decoded = decodeMessage(await readLine(socket));
      const answer = decoded.ok ? decoded.message : refused(decoded.problem);
      this.trace.add(to, from, answer, message.kind);
      return answer;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new PaperError(`${to} does not answer ${from} (${why})`);
    } finally {
      socket.destroy();
    }
  }

  close(): void {
    for (const server of this.servers) server.close();
  }
}

async function serve(socket: Socket, handle: Handler): Promise<void> {
  socket.on("error", () => socket.destroy());
  socket.setTimeout(PATIENCE, () => socket.destroy());
  try {
    const decoded = decodeMessage(await readLine(socket));
    socket.end(
      encodeMessage(decoded.ok ? await handle(decoded.message) : refused(decoded.problem)),
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    socket.end(encodeMessage(refused(why)));
  }
}

/** One line; what is longer than a message may be is cut off there and does not decode. */
function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (piece: string): void => {
      text += piece;
      const end = text.indexOf("\n");
      if (end < 0 && text.length <= MAX_LINE) return;
      // Whatever comes behind the line is read and forgotten, or the connection would never close.
      socket.off("data", onData).resume();
      resolve(end < 0 ? text : text.slice(0, end));
    };
    socket.setEncoding("utf8");
    socket.on("data", onData);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection ended")));
  });
}
