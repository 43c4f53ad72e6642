// Runs inside a network namespace and sends raw Ethernet frames for the test process, which talks to it
// over a Unix socket: a line "DEVICE HEX" is a frame, an empty line is answered with one when all before it
// are out.
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import process from "node:process";

const AF_PACKET = 17;
const SOCK_RAW = 3;

const libc = createRequire(import.meta.url)("koffi").load(null);
const socket = libc.func("int socket(int, int, int)");
const bind = libc.func("int bind(int, const uint8_t *, uint32_t)");
const send = libc.func("intptr_t send(int, const uint8_t *, size_t, int)");

const [path] = process.argv.slice(2);
const open = new Map();

/** Descriptor bound to the device; protocol 0, so that nothing is ever received. */
function device(name) {
  let descriptor = open.get(name);
  if (descriptor !== undefined) return descriptor;
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeInt32LE(Number(readFileSync(`/sys/class/net/${name}/ifindex`, "utf8")), 4);
  descriptor = socket(AF_PACKET, SOCK_RAW, 0);
  if (descriptor < 0 || bind(descriptor, address, address.length) < 0) {
    throw new Error(`cannot send on ${name}`);
  }
  open.set(name, descriptor);
  return descriptor;
}

net
  .createServer((client) => {
    let rest = "";
    client.on("error", () => client.destroy());
    client.on("data", (chunk) => {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          client.write("\n");
          continue;
        }
        const [name, hex] = line.split(" ");
        const frame = Buffer.from(hex, "hex");
        // A device that is down takes no frame: what a host behind a dead port says is lost, too.
        send(device(name), frame, frame.length, 0);
      }
    });
  })
  .listen(path);
