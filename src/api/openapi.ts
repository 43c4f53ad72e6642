/** The OpenAPI 3.1 document of the HTTP door, from the table of operations and the messages of `proto/`. */
import { VERSION } from "../util/version.js";
import { protoComments } from "./service/comments.js";
import { OPERATIONS, PACKAGE, proto, type Operation, type Proto } from "./service/index.js";
import { messageSchema, wellKnownSchema, type JsonSchema } from "./service/input.js";
import type { Field } from "./service/proto.js";
import { EVENT_STREAM, NDJSON } from "./lines.js";

export const OPENAPI_PATH = "/v1/openapi.json";

const DESCRIPTION =
  "A BGP EVPN route reflector with a MAC FIB. The same operations are gRPC's, at the same port: " +
  "x-grpc names the rpc. x-role says who may: anyone, a viewer or an operator. On loopback, without " +
  "api.clients in the configuration, no credentials are asked for.";

interface Context {
  readonly proto: Proto;
  readonly comments: ReadonlyMap<string, string>;
  /** Messages that are needed, by name. */
  readonly schemas: Map<string, JsonSchema>;
}

export function openApiDocument(): Readonly<Record<string, unknown>> {
  const context: Context = { proto: proto(), comments: protoComments(), schemas: new Map() };
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    const { method, path } = operation.http;
    const url = path.replaceAll(/:(\w+)/g, "{$1}");
    const item = (paths[url] ??= {});
    item[method.toLowerCase()] = operationObject(operation, context);
  }
  const groups = [...new Set(OPERATIONS.map(({ group }) => group))];
  return {
    openapi: "3.1.0",
    info: {
      title: "evpnd",
      version: VERSION,
      description: DESCRIPTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "http://127.0.0.1:8179" }],
    security: [{}, { token: [] }, { certificate: [] }],
    tags: groups.map((name) => {
      const description = context.comments.get(name);
      return { name, ...(description !== undefined && { description }) };
    }),
    paths,
    components: {
      schemas: { ...sorted(context.schemas), Error: ERROR },
      responses: {
        Refused: {
          description:
            "Refused, or failed: a code for programs and a sentence that says what to do",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
        },
      },
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        certificate: { type: "mutualTLS" },
      },
    },
  };
}

const ERROR: JsonSchema = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message"],
      properties: { code: { type: "string" }, message: { type: "string" } },
    },
  },
};

function sorted(schemas: ReadonlyMap<string, JsonSchema>): Record<string, JsonSchema> {
  return Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function operationObject(operation: Operation, context: Context): JsonSchema {
  const { id, group, summary, role, http } = operation;
  const isHttpOnly = operation.kind === "file" && operation.httpOnly === true;
  const body = bodySchema(operation, context);
  const success = {
    description: summary,
    content: content(operation, context),
  };
  const other = operation.kind === "unary" ? (operation.otherStatus ?? []) : [];
  return {
    operationId: id,
    summary,
    tags: [group],
    "x-role": role,
    ...(!isHttpOnly && { "x-grpc": `${PACKAGE}.${group}/${id}` }),
    ...(role === "anyone" && { security: [{}] }),
    parameters: parameters(operation, context),
    ...(body !== undefined && {
      requestBody: {
        required: http.method === "PUT" || "required" in body,
        content: { "application/json": { schema: body } },
      },
    }),
    responses: {
      200: success,
      ...Object.fromEntries(other.map((status) => [status, success])),
      default: { $ref: "#/components/responses/Refused" },
    },
  };
}

const names = (path: string): string[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);

function parameters(operation: Operation, context: Context): JsonSchema[] {
  const { method, path, query = [] } = operation.http;
  const inPath = names(path);
  const hasBody = method === "POST" || method === "PUT";
  const { properties, required = [] } = inputSchema(operation, context);
  return Object.entries(properties)
    .filter(([name]) => inPath.includes(name) || query.includes(name) || !hasBody)
    .map(([name, { description, ...schema }]) => ({
      name,
      in: inPath.includes(name) ? "path" : "query",
      required: inPath.includes(name) || required.includes(name),
      ...(description !== undefined && { description }),
      schema,
    }));
}

interface InputSchema {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

/** The input's members with what the comments say of them. */
function inputSchema(operation: Operation, { proto: messages, comments }: Context): InputSchema {
  const { input, rules = {} } = operation;
  const whole = messageSchema(messages, input, rules) as unknown as InputSchema;
  const properties = Object.entries(whole.properties).map(([name, schema]) => {
    const description = comments.get(`${input}.${name}`);
    const alone = rules[name]?.alone;
    const shape = alone === undefined ? schema : { anyOf: [schema, { const: alone }] };
    return [name, { ...(description !== undefined && { description }), ...shape }];
  });
  return { ...whole, properties: Object.fromEntries(properties) as InputSchema["properties"] };
}

function bodySchema(operation: Operation, context: Context): JsonSchema | undefined {
  const { method, path, query = [] } = operation.http;
  if (method !== "POST" && method !== "PUT") return undefined;
  const elsewhere = [...names(path), ...query];
  const { properties, required = [] } = inputSchema(operation, context);
  const own = Object.entries(properties).filter(([name]) => !elsewhere.includes(name));
  if (own.length === 0) return undefined;
  const needed = required.filter((name) => !elsewhere.includes(name));
  return {
    type: "object",
    additionalProperties: false,
    ...(needed.length > 0 && { required: needed }),
    properties: Object.fromEntries(own),
  };
}

function content(operation: Operation, context: Context): Record<string, JsonSchema> {
  switch (operation.kind) {
    case "unary": {
      const { body } = operation.http;
      const schema = reference(context, operation.output);
      if (body === undefined) return { "application/json": { schema } };
      const field = context.proto
        .message(operation.output)
        .fields.find(({ name }) => name === body);
      return {
        "application/json": { schema: field === undefined ? {} : memberSchema(context, field) },
      };
    }
    case "page":
      return {
        "application/json": { schema: reference(context, operation.output) },
        [NDJSON]: { schema: reference(context, operation.row) },
      };
    case "stream":
      return {
        [NDJSON]: { schema: reference(context, operation.output) },
        [EVENT_STREAM]: { schema: reference(context, operation.output) },
      };
    case "file":
      return Object.fromEntries(operation.contentTypes.map((type) => [type, {}]));
  }
}

/** `$ref` of a message, which is added to the components. */
function reference(context: Context, name: string): JsonSchema {
  if (name.startsWith("google.protobuf.")) return wellKnownSchema(name);
  if (!context.schemas.has(name)) {
    // Named before it is made: a message may hold others of its kind.
    context.schemas.set(name, {});
    context.schemas.set(name, outputSchema(context, name));
  }
  return { $ref: `#/components/schemas/${name}` };
}

function outputSchema(context: Context, name: string): JsonSchema {
  const { fields } = context.proto.message(name);
  const description = context.comments.get(name);
  const required = fields
    .filter(({ optional, repeated, map }) => !optional && !repeated && !map)
    .map((field) => field.name);
  return {
    type: "object",
    ...(description !== undefined && { description }),
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(
      fields.map((field) => {
        const said = context.comments.get(`${name}.${field.name}`);
        return [
          field.name,
          { ...(said !== undefined && { description: said }), ...memberSchema(context, field) },
        ];
      }),
    ),
  };
}

function memberSchema(context: Context, field: Field): JsonSchema {
  const one = valueSchema(context, field);
  if (field.map) return { type: "object", additionalProperties: one };
  return field.repeated ? { type: "array", items: one } : one;
}

function valueSchema(context: Context, { kind, message }: Field): JsonSchema {
  switch (kind) {
    case "string":
      return { type: "string" };
    case "bool":
      return { type: "boolean" };
    case "double":
      return { type: "number" };
    case "integer":
      return { type: "integer" };
    case "unsigned":
      return { type: "integer", minimum: 0 };
    case "bytes":
      return { type: "string", contentEncoding: "base64" };
    case "message":
      return reference(context, message ?? "");
  }
}
