import { EventEmitter } from "node:events";
import type { TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { PacketStream } from "../../../src/radius/radsec/packet-stream.js";

/** The part of a TLS socket that a stream uses. */
class PlayedSocket extends EventEmitter {
  readonly written: Uint8Array[] = [];
  writableLength = 0;
  destroyed = false;
  private timeout: (() => void) | undefined;
  setNoDelay(): void {}
  setKeepAlive(): void {}
  cork(): void {}
  uncork(): void {}
  setTimeout(_milliseconds: number, run: () => void): void {
    this.timeout = run;
  }
  write(bytes: Uint8Array): void {
    this.written.push(bytes);
  }
  /** As Node's does, it waits for what is to be written. */
  destroySoon(): void {
    if (this.writableLength === 0) this.destroyed = true;
  }
  destroy(): void {
    this.destroyed = true;
  }
  wait(): void {
    this.timeout?.();
  }
}

function open() {
  const socket = new PlayedSocket();
  const ends: string[] = [];
  const packets: Uint8Array[] = [];
  const stream = new PacketStream(socket as unknown as TLSSocket, {
    onPacket: (packet) => packets.push(packet),
    onEnd: (reason) => ends.push(reason),
  });
  return { socket, stream, ends, packets };
}
const packet = Uint8Array.of(1, 1, 0, 20, ...new Uint8Array(16));

describe("one connection", () => {
  test("RAD-60: who does not read its answers is dropped, and the goodbye is not waited for", () => {
    const { socket, stream, ends } = open();
    stream.send(packet);
    expect(socket.written).toHaveLength(1);
    socket.writableLength = 2 * 1024 * 1024;
    stream.send(packet);
    stream.send(packet);
    expect(socket.written).toHaveLength(1);
    expect(ends).toEqual(["it does not read what it is sent"]);
    expect(socket.destroyed).toBe(false);
    socket.wait();
    expect(socket.destroyed).toBe(true);
  });

  test("RAD-60: a packet has ten seconds from when it has begun, and the next one ten of its own", () => {
    const { socket, stream, ends, packets } = open();
    socket.emit("data", Buffer.from(packet.subarray(0, 10)));
    stream.tick(1000);
    stream.tick(10_900);
    socket.emit("data", Buffer.concat([packet.subarray(10), packet.subarray(0, 5)]));
    expect(packets).toHaveLength(1);
    stream.tick(11_000);
    stream.tick(20_900);
    expect(ends).toEqual([]);
    stream.tick(21_000);
    expect(ends).toEqual(["a packet did not end"]);
  });

  test("the end is told once, whatever ends it, and nothing is heard after it", () => {
    const { socket, stream, ends, packets } = open();
    socket.emit("error", new Error("broken"));
    socket.emit("end");
    socket.emit("close");
    stream.end("again");
    socket.emit("data", Buffer.from(packet));
    expect([ends, packets]).toEqual([["broken"], []]);
    expect(stream.isOpen).toBe(false);
  });
});
