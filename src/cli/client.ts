/** evpnctl's side of the HTTP door. */
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { buffer, json, text as textOf } from "node:stream/consumers";
import { CliError, EXIT } from "./exit.js";

export const DEFAULT_URL = "http://127.0.0.1:8179";

export type Query = Readonly<Record<string, string | number | undefined>>;

export class Client {
  private readonly base: URL;

  constructor(url: string) {
    try {
      this.base = new URL(url);
    } catch {
      throw new CliError(EXIT.usage, `"${url}" is not a URL; write for example ${DEFAULT_URL}`);
    }
    if (this.base.protocol !== "http:") {
      throw new CliError(EXIT.usage, `evpnd speaks http, not ${this.base.protocol} (${url})`);
    }
  }

  /** The answer is what the address returns; callers name its type. */
  async get<T>(path: string, query: Query = {}): Promise<T> {
    return (await json(await this.request("GET", path, query))) as T;
  }

  async post<T>(path: string, query: Query = {}, body?: object): Promise<T> {
    return (await json(await this.request("POST", path, query, body))) as T;
  }

  /** An answer that is a file. */
  async bytes(path: string, query: Query = {}): Promise<Uint8Array> {
    return buffer(await this.request("GET", path, query, undefined, "*/*"));
  }

  /** Line after line as they arrive; the answer may be larger than memory. */
  async *lines(path: string, query: Query): AsyncGenerator<string> {
    const response = await this.request("GET", path, query, undefined, "application/x-ndjson");
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of response) {
        const parts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
        rest = parts.pop() ?? "";
        yield* parts;
      }
    } catch (error) {
      throw new CliError(EXIT.unreachable, `evpnd went away in the middle: ${causeOf(error)}`);
    }
    if (rest !== "") yield rest;
  }

  private async request(
    method: "GET" | "POST",
    path: string,
    query: Query,
    body?: object,
    accept = "application/json",
  ): Promise<IncomingMessage> {
    const url = new URL(path, this.base);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const content = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      accept,
      ...(content !== undefined && { "content-type": "application/json" }),
    };
    let response: IncomingMessage;
    try {
      response = await send(url, method, headers, content);
    } catch (error) {
      throw new CliError(
        EXIT.unreachable,
        `evpnd does not answer at ${this.base.origin} (${causeOf(error)}); is it running? ` +
          "Start it with npm start, or say where it is with --url or EVPND_URL",
      );
    }
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw refusal(status, await textOf(response));
  }
}

/**
 * Not `fetch`: Node.js 20's never settles when the server closes a connection that it just accepted,
 * as evpnd does beyond the connections it allows.
 */
function send(
  url: URL,
  method: string,
  headers: Record<string, string>,
  content: string | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false }, resolve);
    request.on("error", reject);
    request.end(content);
  });
}

function refusal(status: number, text: string): CliError {
  let message = `evpnd answered ${status}; is this address really evpnd's?`;
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } };
    message = error?.message ?? message;
  } catch {
    // Not JSON: not evpnd, or something in between.
  }
  return new CliError(status === 404 ? EXIT.notFound : EXIT.refused, message);
}

function causeOf(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  return code ?? message;
}
