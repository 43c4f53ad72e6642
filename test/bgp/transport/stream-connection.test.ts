/** BGP through a stream that somebody else opened: whole messages, water marks, ends. */
import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { StreamConnection } from "../../../src/bgp/transport/stream-connection.js";

/** The far end in the test's hand. */
class Pipe extends Duplex {
  readonly written: Buffer[] = [];
  stuck: (() => void) | undefined;
  blocked = false;

  override _read(): void {
    // What comes is pushed.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    if (this.blocked) this.stuck = done;
    else done();
  }
}

const ENDS = {
  localAddress: "10.0.0.1",
  localPort: 7202,
  remoteAddress: "10.0.0.2",
  remotePort: 40_000,
  instance: "aa",
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function connected(): { pipe: Pipe; connection: StreamConnection; read: string[] } {
  const pipe = new Pipe();
  const connection = new StreamConnection(pipe, ENDS);
  const read: string[] = [];
  // Messages of four octets.
  connection.onBytes = (bytes, start, end) => {
    const whole = (end - start) & ~3;
    for (let at = start; at < start + whole; at += 4) {
      read.push(Buffer.from(bytes.subarray(at, at + 4)).toString());
    }
    return whole;
  };
  return { pipe, connection, read };
}

describe("a stream as a connection", () => {
  test("nothing is read before it is asked for; cut messages are put together", async () => {
    const { pipe, connection, read } = connected();
    pipe.push("aaaabb");
    await turn();
    expect(read).toEqual([]);
    connection.resume();
    await turn();
    expect(read).toEqual(["aaaa"]);
    pipe.push("bbc");
    pipe.push("cccdddd");
    await turn();
    await turn();
    expect(read).toEqual(["aaaa", "bbbb", "cccc", "dddd"]);
    connection.pause();
    pipe.push("eeee");
    await turn();
    expect(read).toHaveLength(4);
    connection.resume();
    await turn();
    expect(read.at(-1)).toBe("eeee");
  });

  test("what is written counts until it is taken; below the mark it is told", async () => {
    const { pipe, connection } = connected();
    let drained = 0;
    connection.onDrain = () => drained++;
    pipe.blocked = true;
    connection.writeMany([new Uint8Array(200_000), new Uint8Array(100_000)]);
    expect(connection.pendingBytes).toBe(300_000);
    expect(connection.bytesAccepted).toBe(0);
    pipe.blocked = false;
    pipe.stuck?.();
    await turn();
    expect(connection.pendingBytes).toBe(0);
    expect(connection.bytesAccepted).toBe(300_000);
    expect(drained).toBe(1);
  });

  test("its end is told once; ours is not told to us", async () => {
    const { pipe, connection } = connected();
    const ends: unknown[] = [];
    connection.onClosed = (error) => ends.push(error);
    connection.resume();
    pipe.destroy(new Error("cut"));
    await turn();
    await turn();
    expect(ends).toHaveLength(1);
    const other = connected();
    let closed = 0;
    other.connection.onClosed = () => closed++;
    const gone = new Promise<void>((resolve) => other.connection.end(1000, resolve));
    await gone;
    expect(closed).toBe(0);
  });

  test("more than a message without an end is no BGP", async () => {
    const { pipe, connection } = connected();
    const ends: unknown[] = [];
    connection.onBytes = () => 0;
    connection.onClosed = (error) => ends.push(error);
    connection.resume();
    for (let n = 0; n < 3; n++) pipe.push(Buffer.alloc(30_000));
    await turn();
    await turn();
    await turn();
    expect(ends).toEqual([new Error("a message longer than any may be")]);
  });
});
