/**
 * Who may talk to the HTTP door. It has no authentication, so a web page open in the operator's
 * browser must not reach it: by name (DNS rebinding: the Host header tells) or by a cross-site POST
 * (the Origin header tells).
 */
import { isIP } from "node:net";
import { HttpError } from "./error.js";
import type { HttpSettings } from "./settings.js";

export interface RequestHead {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/** Throws `HttpError` 403 or 400. */
export function checkRequest(head: RequestHead, settings: HttpSettings): void {
  const name = hostName(head.host);
  if (name === undefined) {
    throw new HttpError(400, "invalid", "the request has no usable Host header; send one");
  }
  if (name !== "localhost" && isIP(name) === 0 && !settings.allowedHosts.includes(name)) {
    throw new HttpError(
      403,
      "forbidden",
      `requests for the host "${name}" are refused; use an address or localhost, or add the name to http.allowed-hosts`,
    );
  }
  if (head.method === "GET" || head.method === "HEAD" || head.origin === undefined) return;
  if (originHost(head.origin) === head.host?.toLowerCase()) return;
  throw new HttpError(
    403,
    "forbidden",
    "changes are refused to web pages of another origin; use evpnctl or curl",
  );
}

/** `Host` without the port and brackets, in lower case. */
function hostName(host: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(host ?? "");
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

function originHost(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
