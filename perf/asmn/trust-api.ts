/** What the benches ask of an evpnd's HTTP API about trust. */
import { createServer, type AddressInfo } from "node:net";

export interface TrustKey {
  readonly use: string;
  readonly publicKey: string;
}

export class TrustApi {
  private readonly origin: string;

  constructor(origin: string) {
    this.origin = origin;
  }

  get<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
    return this.ask<T>(`${path}?${new URLSearchParams(query).toString()}`, { method: "GET" });
  }

  post<T>(path: string, body: object): Promise<T> {
    const headers = { "content-type": "application/json" };
    return this.ask<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  /** A port of 127.0.0.1 that nobody listens on. */
  static async freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  private async ask<T>(path: string, request: RequestInit): Promise<T> {
    const response = await fetch(`${this.origin}${path}`, request);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  }
}
