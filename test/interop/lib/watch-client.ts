/** One watch of the HTTP door, held open: its items, a line of JSON each, as they come. */
import { get } from "node:http";
import type { ClientRequest } from "node:http";
import type { Evpnd } from "./evpnd.js";
import { waitFor } from "./wait.js";

export interface WatchedItem {
  readonly type: string;
  readonly key: string;
  readonly state?: string;
  readonly esi?: string;
  readonly event?: {
    readonly kind: string;
    readonly mac?: string;
    readonly from?: string;
    readonly to?: string;
    readonly esi?: string;
    readonly sequence: number;
    readonly count: number;
  };
  readonly change?: { readonly kind: string; readonly events: number; readonly count: number };
}

export class WatchClient {
  readonly items: WatchedItem[] = [];
  private readonly request: ClientRequest;
  private begun = false;
  private rest = "";

  private constructor(request: ClientRequest) {
    this.request = request;
    request.on("error", () => request.destroy());
    request.on("response", (response) => {
      this.begun = response.statusCode === 200;
      response.setEncoding("utf8");
      response.on("error", () => request.destroy());
      response.on("data", (chunk: string) => this.take(chunk));
    });
  }

  /** `path` from /v1/watch on; ends when the watch has begun. */
  static async open(evpnd: Evpnd, path: string): Promise<WatchClient> {
    const { lab, label, http = 0 } = evpnd.options;
    const relay = await lab.relay(label);
    const socket = await relay.connect({ host: "127.0.0.1", port: http });
    const request = get({
      host: "127.0.0.1",
      port: http,
      path,
      headers: { accept: "application/x-ndjson" },
      createConnection: () => socket,
    });
    // The relay left the stream paused.
    request.on("socket", () => setImmediate(() => socket.resume()));
    const client = new WatchClient(request);
    await waitFor(`${path} to begin`, () => client.begun);
    return client;
  }

  get events(): NonNullable<WatchedItem["event"]>[] {
    return this.items.flatMap(({ event }) => (event === undefined ? [] : [event]));
  }

  close(): void {
    this.request.destroy();
  }

  private take(chunk: string): void {
    const lines = (this.rest + chunk).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") this.items.push(JSON.parse(line) as WatchedItem);
  }
}
