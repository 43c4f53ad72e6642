/** HTTP/JSON as a transport of the service layer: a route for each operation. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Credentials } from "./access.js";
import type { Desk } from "./desk.js";
import { HttpError } from "./error.js";
import {
  sendBatches,
  sendLines,
  STREAM_PAGE,
  checkLimit,
  wantsEvents,
  wantsLines,
} from "./lines.js";
import { OPENAPI_PATH, openApiDocument } from "./openapi.js";
import {
  inputCheckOf,
  InputFault,
  OPERATIONS,
  PAGE_DEFAULT,
  proto,
  type Caller,
  type Operation,
} from "./service/index.js";
import type {
  FileOperation,
  PageOperation,
  StreamOperation,
  UnaryOperation,
} from "./service/index.js";
import { turnEnd } from "../util/turn-end.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; known before the body is read. */
    caller: Caller | undefined;
  }
}

type Values = Record<string, unknown>;

/** Under way at once, of all connections: pipelined ones that nobody reads the answers of, too. */
const REQUESTS_MAX = 1024;

interface Call {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly input: Readonly<Values>;
  readonly caller: Caller;
}

/** @param credentials what a request brings to say who asks */
export function addOperations(
  server: FastifyInstance,
  desk: Desk,
  credentials: (request: FastifyRequest) => Credentials,
): void {
  let document: string | undefined;
  server.decorateRequest("caller");
  let underWay = 0;
  const left = (): void => {
    underWay--;
  };
  const takePlace = (reply: FastifyReply): void => {
    if (underWay >= REQUESTS_MAX) {
      throw new HttpError(503, "busy", "too many requests are under way already; try again later");
    }
    underWay++;
    // Comes once, as `once` would make sure.
    reply.raw.on("close", left);
  };
  server.get(OPENAPI_PATH, (request, reply) => {
    desk.admit({ id: "OpenApi", role: "anyone" }, credentials(request));
    document ??= JSON.stringify(openApiDocument());
    return reply.header("content-type", "application/json; charset=utf-8").send(document);
  });
  for (const operation of OPERATIONS) {
    const { method, path: url, bodyMax } = operation.http;
    const read = inputReader(operation);
    const answer = answerer(operation, desk);
    server.route({
      method,
      url,
      ...(bodyMax !== undefined && { bodyLimit: bodyMax }),
      // Before the body is read: it is not for strangers to say how long that takes.
      onRequest: (request, reply, done) => {
        request.caller = desk.admit(operation, credentials(request));
        // Health checks are answered all the same, and are small.
        if (operation.role !== "anyone") takePlace(reply);
        done();
      },
      handler: (request, reply) =>
        answer({ request, reply, input: read(request), caller: request.caller! }),
    });
  }
}

/** Path, query and body to one input; a member has one place where it may stand. */
function inputReader(operation: Operation): (request: FastifyRequest) => Readonly<Values> {
  const check = inputCheckOf(operation, proto());
  const { method, path, query = [] } = operation.http;
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
  const hasBody = method === "POST" || method === "PUT";
  // Nothing but the query: what was parsed of it belongs to this request alone.
  if (!hasBody && inPath.length === 0) {
    const read = (request: FastifyRequest): Readonly<Values> =>
      check.check(check.listed(request.query as Values));
    return operation.kind === "page" ? (request) => check.shaped(read(request)) : read;
  }
  return (request) => {
    const asked = check.listed({ ...(request.query as Values) });
    const body = hasBody ? bodyOf(request.body) : {};
    const foreign = [
      ...Object.keys(asked).filter((name) =>
        hasBody ? !query.includes(name) : inPath.includes(name),
      ),
      ...Object.keys(body).filter((name) => query.includes(name) || inPath.includes(name)),
    ];
    if (foreign.length > 0) throw new InputFault(foreign.map(unknownMember));
    return check.check({ ...body, ...asked, ...(request.params as Values) });
  };
}

function bodyOf(body: unknown): Values {
  if (body === undefined || body === null) return {};
  if (typeof body === "object" && !Array.isArray(body)) return body as Values;
  throw new InputFault([fault("type", "must be object", {})]);
}

function unknownMember(additionalProperty: string) {
  return fault("additionalProperties", "", { additionalProperty });
}

function fault(keyword: string, message: string, params: Readonly<Record<string, unknown>>) {
  return { instancePath: "", schemaPath: "", keyword, message, params };
}

/**
 * Answers of one turn go out one behind the other at its end: the first wakes the client, and a write that wakes its
 * reader costs as much as making the answer.
 */
function answerer(operation: Operation, desk: Desk): (call: Call) => Promise<unknown> {
  switch (operation.kind) {
    case "unary":
      return (call) => answerUnary(operation, desk, call);
    case "page":
      return (call) => answerPage(operation, desk, call);
    case "stream":
      return (call) => answerStream(operation, desk, call);
    case "file":
      return (call) => answerFile(operation, desk, call);
  }
}

async function answerUnary(
  operation: UnaryOperation,
  desk: Desk,
  { input, reply, caller }: Call,
): Promise<unknown> {
  const output = await desk.perform(operation, caller, input, () =>
    operation.run(desk.backend, input, caller),
  );
  await turnEnd();
  const { body } = operation.http;
  const code = operation.status?.(output) ?? 200;
  if (code !== 200) void reply.code(code);
  return body === undefined ? output : (output as Values)[body];
}

async function answerPage(
  operation: PageOperation,
  desk: Desk,
  { request, reply, input, caller }: Call,
): Promise<unknown> {
  const { cursor, limit } = input as { cursor?: string; limit?: number };
  if (wantsLines(request.headers.accept)) {
    return sendLines(reply, cursor, limit, (at, most) =>
      desk.perform(operation, caller, input, () =>
        operation.run(
          desk.backend,
          { ...input, cursor: at, limit: Math.min(STREAM_PAGE, most) },
          caller,
        ),
      ),
    );
  }
  checkLimit(limit);
  // What was read of a request belongs to it alone.
  if (limit === undefined) (input as { limit?: number }).limit = PAGE_DEFAULT;
  const { rows, next } = await desk.perform(operation, caller, input, () =>
    operation.run(desk.backend, input, caller),
  );
  await turnEnd();
  return next === undefined ? { [operation.rows]: rows } : { [operation.rows]: rows, next };
}

function answerStream(
  operation: StreamOperation,
  desk: Desk,
  { request, reply, input, caller }: Call,
): Promise<FastifyReply> {
  const ended = new AbortController();
  reply.raw.once("close", () => ended.abort());
  const batches = operation.run(desk.backend, input, caller, ended.signal);
  return sendBatches(reply, batches, wantsEvents(request.headers.accept));
}

async function answerFile(
  operation: FileOperation,
  desk: Desk,
  { input, reply, caller }: Call,
): Promise<FastifyReply> {
  const { contentType, name, content } = await desk.perform(operation, caller, input, () =>
    operation.run(desk.backend, input, caller),
  );
  void reply.header("content-type", contentType);
  if (name !== undefined) {
    void reply.header("content-disposition", `attachment; filename="${name}"`);
  }
  return reply.send(
    typeof content === "string"
      ? content
      : Buffer.from(content.buffer, content.byteOffset, content.length),
  );
}
