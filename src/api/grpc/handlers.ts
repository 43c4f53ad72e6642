/** Operations as gRPC handlers: unary calls, and server streams that go as fast as the client reads. */
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerWritableStream,
  ServiceError,
} from "@grpc/grpc-js";
import type { Desk } from "../desk.js";
import { HttpError } from "../error.js";
import { PAGE_LIMIT, STREAM_PAGE } from "../lines.js";
import {
  decoderOf,
  inputCheckOf,
  PAGE_DEFAULT,
  PAGE_MAX,
  proto,
  type Caller,
  type FileOperation,
  type Operation,
  type PageOperation,
  type StreamOperation,
} from "../service/index.js";
import { credentialsOf, type Asking, type CallHeaders } from "./credentials.js";
import { grpcRefusal } from "./status.js";
import { nextTurn } from "../../util/turn-end.js";

type Values = Record<string, unknown>;
export type Unary = handleUnaryCall<Values, object>;
export type Streaming = handleServerStreamingCall<Values, object>;

/** Octets of one chunk of a file. */
const CHUNK = 64 * 1024;

interface GivenCall extends Asking {
  readonly metadata: CallHeaders;
  readonly request: Values;
}

/** Of a call: who asks, and the checked input. Throws what `grpcRefusal` knows. */
function reader(
  desk: Desk,
  operation: Operation,
): (call: GivenCall) => { caller: Caller; input: Readonly<Values> } {
  const check = inputCheckOf(operation, proto());
  const decode = decoderOf(proto(), operation.input);
  return (call) => {
    const caller = desk.admit(operation, credentialsOf(call, call.metadata));
    const given = decode === undefined ? call.request : (decode(call.request) as Values);
    return { caller, input: check.check({ ...given }) };
  };
}

/** `unary` operations, and pages of `page` ones. */
export function unaryHandler(desk: Desk, operation: Operation): Unary {
  const read = reader(desk, operation);
  const run = async (call: Parameters<Unary>[0]): Promise<object> => {
    const { caller, input } = read(call);
    if (operation.kind === "page") {
      const { limit = PAGE_DEFAULT } = input as { limit?: number };
      if (limit > PAGE_MAX) throw new HttpError(400, "invalid", PAGE_LIMIT);
      const { rows, next } = await desk.perform(operation, caller, input, () =>
        operation.run(desk.backend, { ...input, limit }, caller),
      );
      return { [operation.rows]: rows, ...(next !== undefined && { next }) };
    }
    if (operation.kind !== "unary") throw new Error(`${operation.id} is a stream`);
    return desk.perform(operation, caller, input, () => operation.run(desk.backend, input, caller));
  };
  return (call, callback) => {
    run(call).then(
      (answer) => callback(null, answer),
      (error: unknown) => callback(grpcRefusal(error, operation.id, desk.backend.log)),
    );
  };
}

/** Everything of a `page` operation, `stream` operations, and files in chunks. */
export function streamHandler(
  desk: Desk,
  operation: PageOperation | StreamOperation | FileOperation,
): Streaming {
  const read = reader(desk, operation);
  return (call) => {
    const ended = new AbortController();
    call.once("cancelled", () => ended.abort());
    call.once("error", () => ended.abort());
    const run = async (): Promise<void> => {
      const { caller, input } = read(call);
      const batches = batchesOf(desk, operation, input, caller, ended.signal);
      for await (const batch of batches) {
        for (const item of batch) {
          if (ended.signal.aborted) return;
          if (!call.write(item)) await drained(call, ended.signal);
        }
      }
    };
    run().then(
      () => call.end(),
      (error: unknown) => {
        if (ended.signal.aborted) return;
        call.emit("error", grpcRefusal(error, operation.id, desk.backend.log) as ServiceError);
      },
    );
  };
}

/** Until the client has read, or is gone. */
function drained(call: ServerWritableStream<Values, object>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    call.once("drain", done);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

async function* batchesOf(
  desk: Desk,
  operation: PageOperation | StreamOperation | FileOperation,
  input: Readonly<Values>,
  caller: Caller,
  signal: AbortSignal,
): AsyncGenerator<readonly object[]> {
  switch (operation.kind) {
    case "page":
      yield* allRows(desk, operation, input, caller);
      return;
    case "stream":
      yield* operation.run(desk.backend, input, caller, signal);
      return;
    case "file": {
      const answer = await desk.perform(operation, caller, input, () =>
        operation.run(desk.backend, input, caller),
      );
      const { contentType, name } = answer;
      const content = Buffer.from(answer.content);
      for (let at = 0; at === 0 || at < content.length; at += CHUNK) {
        const head = at === 0 ? { contentType, name } : {};
        yield [{ ...head, content: content.subarray(at, at + CHUNK) }];
      }
    }
  }
}

/** Page after page, with a turn for others in between. */
async function* allRows(
  desk: Desk,
  operation: PageOperation,
  input: Readonly<Values>,
  caller: Caller,
): AsyncGenerator<readonly object[]> {
  let { cursor, limit: left = Number.POSITIVE_INFINITY } = input as {
    cursor?: string;
    limit?: number;
  };
  for (;;) {
    const asked = { ...input, cursor, limit: Math.min(STREAM_PAGE, left) };
    const { rows, next } = await desk.perform(operation, caller, input, () =>
      operation.run(desk.backend, asked, caller),
    );
    yield rows.slice(0, left);
    left -= rows.length;
    if (next === undefined || left <= 0) return;
    cursor = next;
    await nextTurn();
  }
}
