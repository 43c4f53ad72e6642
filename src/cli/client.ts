/** evpnctl's side of the API, over HTTP, with TLS or without. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import { buffer, json, text as textOf } from "node:stream/consumers";
import { CliError, EXIT } from "./exit.js";

export const DEFAULT_URL = "http://127.0.0.1:8179";

export type Query = Readonly<Record<string, string | number | undefined>>;

/** Who we are to evpnd, and how we know it; texts, not file names. */
export interface Identity {
  readonly token?: string | undefined;
  /** PEM; without it the CAs that Node.js knows. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export class Client {
  private readonly base: URL;
  private readonly identity: Identity;

  constructor(url: string, identity: Identity = {}) {
    this.identity = identity;
    try {
      this.base = new URL(url);
    } catch {
      throw new CliError(EXIT.usage, `"${url}" is not a URL; write for example ${DEFAULT_URL}`);
    }
    const { protocol } = this.base;
    if (protocol !== "http:" && protocol !== "https:") {
      throw new CliError(EXIT.usage, `evpnd speaks http and https, not ${protocol} (${url})`);
    }
    if (protocol === "http:" && (identity.cert ?? identity.ca) !== undefined) {
      throw new CliError(
        EXIT.usage,
        `certificates need https: write --url https://${this.base.host}`,
      );
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
        for (const line of parts) {
          // The last line may say why there is no other.
          if (line.startsWith(LATE_REFUSAL)) throw refusal(0, line);
          yield line;
        }
      }
    } catch (error) {
      if (error instanceof CliError) throw error;
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
    const { token } = this.identity;
    const headers = {
      accept,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(content !== undefined && { "content-type": "application/json" }),
    };
    let response: IncomingMessage;
    try {
      response = await send(url, method, headers, content, this.identity);
    } catch (error) {
      throw new CliError(EXIT.unreachable, unreachable(this.base.origin, causeOf(error)));
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
  { ca, cert, key }: Identity,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, agent: false } as const;
    const request =
      url.protocol === "https:"
        ? httpsRequest(url, { ...options, ca, cert, key }, resolve)
        : httpRequest(url, options, resolve);
    request.on("error", reject);
    request.end(content);
  });
}

const LATE_REFUSAL = '{"error":{"code":';

function refusal(status: number, text: string): CliError {
  let message = `evpnd answered ${status}; is this address really evpnd's?`;
  let wrongValue = false;
  try {
    const { error } = JSON.parse(text) as { error?: { code?: string; message?: string } };
    message = error?.message ?? message;
    wrongValue = status === 400 && error?.code === "invalid";
  } catch {
    // Not JSON: not evpnd, or something in between.
  }
  // What is no MAC to evpnd is a usage error, as what is no number to evpnctl.
  if (wrongValue) return new CliError(EXIT.usage, message);
  return new CliError(status === 404 ? EXIT.notFound : EXIT.refused, message);
}

/** What is known of the cause, and what to do. */
function unreachable(origin: string, cause: string): string {
  const what = `evpnd does not answer at ${origin} (${cause})`;
  if (UNTRUSTED.test(cause)) {
    return `${what}: its certificate is signed by nobody known here; give the CA's with --ca or EVPND_CA`;
  }
  if (cause === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `${what}: its certificate is for another name; use that name in --url`;
  }
  if (cause === "EPROTO" || cause === "ERR_SSL_WRONG_VERSION_NUMBER") {
    return `${what}: it speaks no TLS there; try ${origin.replace("https:", "http:")}`;
  }
  const hint =
    origin.startsWith("http:") && cause === "ECONNRESET" ? "; if it has TLS, write https" : "";
  return (
    `${what}; is it running? ` +
    `Start it with npm start, or say where it is with --url or EVPND_URL${hint}`
  );
}

const UNTRUSTED =
  /^(UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_UNTRUSTED|INVALID_CA)/;

function causeOf(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  return code ?? message;
}
