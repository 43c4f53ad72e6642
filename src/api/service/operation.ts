/**
 * What the admin API can do, as data: one `Operation` per rpc. gRPC, HTTP/JSON and the OpenAPI document are
 * made from these rows; nothing about an operation stands anywhere else, but for its messages (`proto/`).
 *
 * Five kinds, by what comes back:
 * - `unary`: one message;
 * - `page`: rows behind a cursor. HTTP answers `{ROWS: […], "next"}`, or JSON lines without end; gRPC has a
 *   unary rpc for the page, and with `dump` a second one that streams every row;
 * - `stream`: messages for as long as the client stays (JSON lines, server stream), made in batches;
 * - `file`: octets under a name (a download; a stream of `FileChunk`).
 *
 * Everything that a handler takes and gives is plain data in the JSON shape: camelCase, `undefined` where
 * there is nothing. It runs beside the BGP thread, and reaches it through `HttpBackend` alone.
 */
import type { HttpBackend } from "../backend.js";

/** anyone: no credentials needed. operator: may change things; every such request is logged with who. */
export type Role = "anyone" | "viewer" | "operator";

/** Who asks. */
export interface Caller {
  /** Name of the client in the configuration; `local` where no credentials are asked for. */
  readonly name: string;
  readonly role: Role;
  /** Address, without the port. */
  readonly address: string;
  readonly via: "http" | "grpc";
}

/** Constraints of one input member, in JSON Schema's words; its type is what the message says. */
export interface FieldRule {
  readonly required?: true;
  readonly default?: string | number | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly minItems?: number;
  readonly maxItems?: number;
  /** Of each item of a repeated member. */
  readonly items?: FieldRule;
  /** Of the members of a message. */
  readonly fields?: FieldRules;
  /** A word that may stand in place of a list: `"peers": "all"` is taken for `["all"]`. */
  readonly alone?: string;
}

export type FieldRules = Readonly<Record<string, FieldRule>>;

export interface HttpBinding {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** `:name` is a member of the input: `/v1/peers/:address`. */
  readonly path: string;
  /** Members that come in the query string although the request has a body; of GET and DELETE all do. */
  readonly query?: readonly string[];
  /** Most octets of a body; default 16 KiB. */
  readonly bodyMax?: number;
  /** The answer's body is this member of the output, not the whole. */
  readonly body?: string;
}

interface Common {
  /** Name of the rpc, and the OpenAPI operationId: `ListMacs`. */
  readonly id: string;
  /** gRPC service without package: `Fib`. */
  readonly group: string;
  /** One sentence without the full stop. */
  readonly summary: string;
  readonly role: Role;
  readonly http: HttpBinding;
  /** Message of proto/evpnd/v1: `ListMacsRequest`. */
  readonly input: string;
  readonly rules?: FieldRules | undefined;
}

export interface Rows<O extends object = object> {
  readonly rows: readonly O[];
  /** Undefined at the end. */
  readonly next?: string | undefined;
}

export interface PageInput {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

export interface FileAnswer {
  readonly contentType: string;
  /** Offered to whoever saves it; undefined = shown in place. */
  readonly name: string | undefined;
  readonly content: Uint8Array | string;
}

export interface UnarySpec<I, O extends object> extends Common {
  readonly output: string;
  /** HTTP status by the answer; default 200. */
  readonly status?: (output: O) => number;
  /** What `status` gives beside 200. */
  readonly otherStatus?: readonly number[];
  readonly run: (backend: HttpBackend, input: I, caller: Caller) => Promise<O>;
}

export interface PageSpec<I extends PageInput, O extends object> extends Common {
  /** Message with the rows, and `next`. */
  readonly output: string;
  /** Its member that has them. */
  readonly rows: string;
  /** Message of one row. */
  readonly row: string;
  /** Name of the rpc that streams all of them. */
  readonly dump?: string;
  readonly run: (backend: HttpBackend, input: I, caller: Caller) => Promise<Rows<O>>;
}

export interface StreamSpec<I, O extends object> extends Common {
  /** Message of one item. */
  readonly output: string;
  /** Batches of items; ends early when `signal` says that nobody reads any more. */
  readonly run: (
    backend: HttpBackend,
    input: I,
    caller: Caller,
    signal: AbortSignal,
  ) => AsyncIterable<readonly O[]>;
}

export interface FileSpec<I> extends Common {
  /** What the octets are, for the OpenAPI document. */
  readonly contentTypes: readonly string[];
  /** Only HTTP has it. */
  readonly httpOnly?: true;
  readonly run: (backend: HttpBackend, input: I, caller: Caller) => Promise<FileAnswer>;
}

/** Input as it came, checked against message and rules: what `run` may rely on. */
export type Input = Readonly<Record<string, unknown>>;

export type UnaryOperation = UnarySpec<Input, object> & { readonly kind: "unary" };
export type PageOperation = PageSpec<Input & PageInput, object> & { readonly kind: "page" };
export type StreamOperation = StreamSpec<Input, object> & { readonly kind: "stream" };
export type FileOperation = FileSpec<Input> & { readonly kind: "file" };
export type Operation = UnaryOperation | PageOperation | StreamOperation | FileOperation;

// The check of the input against message and rules is what makes these narrowings true.

export function unary<I, O extends object>(spec: UnarySpec<I, O>): Operation {
  return { kind: "unary", ...(spec as unknown as UnarySpec<Input, object>) };
}

export function page<I extends PageInput, O extends object>(spec: PageSpec<I, O>): Operation {
  return {
    kind: "page",
    ...(spec as unknown as PageSpec<Input & PageInput, object>),
    rules: { ...PAGE_RULES, ...spec.rules },
  };
}

export function stream<I, O extends object>(spec: StreamSpec<I, O>): Operation {
  return { kind: "stream", ...(spec as unknown as StreamSpec<Input, object>) };
}

export function file<I>(spec: FileSpec<I>): Operation {
  return { kind: "file", ...(spec as unknown as FileSpec<Input>) };
}

/** Most rows in one answer; streams have no such bound. */
export const PAGE_MAX = 1000;
export const PAGE_DEFAULT = 100;

const PAGE_RULES: FieldRules = {
  limit: { minimum: 1, maximum: 1_000_000_000 },
  cursor: { minLength: 1, maxLength: 512 },
};

/** A text of at least one character. */
export function text(maxLength: number): FieldRule {
  return { minLength: 1, maxLength };
}

export const VNI: FieldRule = { minimum: 0, maximum: 0xff_ff_ff };
