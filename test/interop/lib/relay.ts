/** TCP inside a namespace, from this process: see relay-process.mjs. */
import { existsSync } from "node:fs";
import { get as httpGet, request as httpRequest } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";
import { waitFor } from "./wait.js";

const PROCESS = join(import.meta.dirname, "relay-process.mjs");

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}

export interface Accepted {
  readonly socket: Socket;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** A socket is there a moment before it takes connections. */
function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (answers: boolean) => () => {
      socket.destroy();
      resolve(answers);
    };
    socket.once("connect", settle(true));
    socket.once("error", settle(false));
  });
}

type Answer = Record<string, unknown>;

export class Relay {
  private readonly path: string;
  private readonly program: Program;
  private readonly lab: Lab;

  private constructor(path: string, program: Program, lab: Lab) {
    this.path = path;
    this.program = program;
    this.lab = lab;
  }

  static async start(lab: Lab, label: string): Promise<Relay> {
    const path = join(lab.directory, `relay-${label}.sock`);
    const program = lab.start(label, `relay-${label}`, process.execPath, [PROCESS, path]);
    const relay = new Relay(path, program, lab);
    await waitFor(`relay in ${label}`, () => {
      program.mustRun();
      return existsSync(path) && listens(path);
    });
    return relay;
  }

  /** Opens a connection; rejects when it is refused. */
  async connect(target: Target): Promise<Socket> {
    const { socket } = await this.ask({ op: "connect", ...target });
    return socket;
  }

  /** Listens; ends with the returned function. */
  async listen(host: string, port: number): Promise<() => void> {
    const { socket } = await this.ask({ op: "listen", host, port });
    return () => socket.destroy();
  }

  /** The next connection to a listener made by `listen`. */
  async accept(host: string, port: number): Promise<Accepted> {
    const { socket, answer } = await this.ask({ op: "accept", host, port });
    return {
      socket,
      remoteAddress: String(answer["remoteAddress"]),
      remotePort: Number(answer["remotePort"]),
    };
  }

  /** HTTP GET of JSON or text from a server inside the namespace. */
  async get(host: string, port: number, path: string): Promise<{ status: number; body: string }> {
    return this.http("GET", host, port, path);
  }

  async http(
    method: string,
    host: string,
    port: number,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: string }> {
    const socket = await this.connect({ host, port });
    return new Promise((resolve, reject) => {
      const make = method === "GET" ? httpGet : httpRequest;
      const request = make(
        {
          method,
          host,
          port,
          path,
          createConnection: () => socket,
          headers: body === undefined ? {} : { "content-type": "application/json" },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (text += chunk));
          response.on("end", () => {
            socket.destroy();
            this.lab.answered(`${method} ${path}`, text);
            resolve({ status: response.statusCode ?? 0, body: text });
          });
        },
      );
      request.on("error", reject);
      // `ask` left the stream paused.
      request.on("socket", () => setImmediate(() => socket.resume()));
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  private ask(request: object): Promise<{ socket: Socket; answer: Answer }> {
    this.program.mustRun();
    return new Promise((resolve, reject) => {
      const socket = connect({ path: this.path, allowHalfOpen: true });
      let head = Buffer.alloc(0);
      const onData = (chunk: Buffer): void => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf(10);
        if (end < 0) return;
        socket.off("data", onData);
        socket.pause();
        const answer = JSON.parse(head.subarray(0, end).toString()) as Answer;
        if (head.length > end + 1) socket.unshift(head.subarray(end + 1));
        if (answer["error"] === undefined) {
          resolve({ socket, answer });
        } else {
          socket.destroy();
          reject(new Error(`${JSON.stringify(request)}: ${JSON.stringify(answer)}`));
        }
      };
      socket.on("data", onData);
      socket.on("error", reject);
      socket.on("close", () => {
        reject(new Error(`${JSON.stringify(request)}: relay closed`));
      });
      socket.write(`${JSON.stringify(request)}\n`);
    });
  }
}
