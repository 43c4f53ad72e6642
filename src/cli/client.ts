/** evpnctl's side of the HTTP door. */
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
    return (await (await this.request("GET", path, query)).json()) as T;
  }

  async post<T>(path: string, query: Query = {}, body?: object): Promise<T> {
    return (await (await this.request("POST", path, query, body)).json()) as T;
  }

  /** Line after line as they arrive; the answer may be larger than memory. */
  async *lines(path: string, query: Query): AsyncGenerator<string> {
    const response = await this.request("GET", path, query, undefined, "application/x-ndjson");
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of response.body ?? []) {
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
  ): Promise<Response> {
    const url = new URL(path, this.base);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers: { accept, ...(body !== undefined && { "content-type": "application/json" }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw new CliError(
        EXIT.unreachable,
        `evpnd does not answer at ${this.base.origin} (${causeOf(error)}); is it running? ` +
          "Start it with npm start, or say where it is with --url or EVPND_URL",
      );
    }
    if (response.ok) return response;
    throw await refusal(response);
  }
}

async function refusal(response: Response): Promise<CliError> {
  const text = await response.text();
  let message = `evpnd answered ${response.status}; is this address really evpnd's?`;
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } };
    message = error?.message ?? message;
  } catch {
    // Not JSON: not evpnd, or something in between.
  }
  return new CliError(response.status === 404 ? EXIT.notFound : EXIT.refused, message);
}

function causeOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? message;
}
