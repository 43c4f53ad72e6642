/** A RADIUS relay as an edge router's configuration lines say it. */

export type RelayKind = "authentication" | "accounting";
export type ServerKind = RelayKind | "dynamic-request";

export interface LineKey {
  readonly address: string;
  /** Dotted quad. */
  readonly mask: string;
  readonly secret: string;
}

/** `radius relay … server`. */
export interface LineRelay {
  readonly keys: LineKey[];
  /** Undefined = the default of its kind. */
  port: number | undefined;
}

/** `radius … server ADDRESS`: a home server, or who may ask for disconnects. */
export interface LineServer {
  readonly kind: ServerKind;
  readonly address: string;
  secret: string | undefined;
  port: number | undefined;
  disconnect: boolean;
}

/** A virtual router: one relay. */
export interface LineRouter {
  readonly name: string;
  readonly relays: Map<RelayKind, LineRelay>;
  readonly servers: LineServer[];
}

export interface LineIssue {
  /** From 1; 0 = of no line. */
  readonly line: number;
  readonly severity: "error" | "warning";
  readonly message: string;
}

/** Most octets of a client's secret in such lines. */
export const LINE_SECRET_MAX = 32;
export const DEFAULT_ROUTER = "default";
export const DEFAULT_PORTS: Readonly<Record<ServerKind, number>> = {
  authentication: 1812,
  accounting: 1813,
  "dynamic-request": 1700,
};

export function newRouter(name: string): LineRouter {
  return { name, relays: new Map(), servers: [] };
}
