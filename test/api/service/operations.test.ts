/** The table of operations and the messages of proto/ fit each other, and nothing is left over. */
import { describe, expect, test } from "vitest";
import { messageSchema } from "../../../src/api/service/input.js";
import { OPERATIONS, PACKAGE, proto } from "../../../src/api/service/index.js";

interface Method {
  readonly path: string;
  readonly responseStream: boolean;
  readonly requestStream: boolean;
  readonly requestType: { readonly type: { readonly name: string } };
  readonly responseType: { readonly type: { readonly name: string } };
}

const methods = new Map<string, Method>();
for (const [name, entry] of Object.entries(proto().definition)) {
  if (!name.startsWith(`${PACKAGE}.`) || "format" in entry) continue;
  for (const method of Object.values(entry as unknown as Record<string, Method>)) {
    methods.set(method.path, method);
  }
}

const shape = ({ responseStream, requestType, responseType }: Method) => [
  requestType.type.name,
  responseStream ? "stream" : "one",
  responseType.type.name,
];

describe.each(OPERATIONS)("$id", (operation) => {
  const path = `/${PACKAGE}.${operation.group}/`;

  test("is an rpc with these messages", () => {
    if (operation.kind === "file" && operation.httpOnly) return;
    const method = methods.get(`${path}${operation.id}`);
    expect(method, `${path}${operation.id}`).toBeDefined();
    expect(shape(method!)).toEqual([
      operation.input,
      operation.kind === "stream" || operation.kind === "file" ? "stream" : "one",
      operation.kind === "file" ? "FileChunk" : operation.output,
    ]);
  });

  test("its rules are about members", () => {
    expect(() => messageSchema(proto(), operation.input, operation.rules)).not.toThrow();
    const { fields } = proto().message(operation.input);
    const names = fields.map(({ name }) => name);
    const { path: url, query = [] } = operation.http;
    const inPath = [...url.matchAll(/:(\w+)/g)].map((match) => match[1]);
    for (const name of [...inPath, ...query]) expect(names).toContain(name);
    for (const { name, optional, repeated, map } of fields) {
      expect(optional || repeated || map, `${operation.input}.${name} is optional`).toBe(true);
    }
  });

  test("its answer has the members that the row names", () => {
    if (operation.kind === "page") {
      const { fields } = proto().message(operation.output);
      const rows = fields.find(({ name }) => name === operation.rows);
      expect([rows?.repeated, rows?.message]).toEqual([true, operation.row]);
      expect(fields.find(({ name }) => name === "next")?.optional).toBe(true);
      if (operation.dump !== undefined) {
        const method = methods.get(`${path}${operation.dump}`);
        expect(method && shape(method)).toEqual([operation.input, "stream", operation.row]);
      }
    }
    const { body } = operation.http;
    if (body === undefined || operation.kind !== "unary") return;
    const { fields } = proto().message(operation.output);
    expect(fields.map(({ name }) => name)).toContain(body);
  });
});

test("every rpc is an operation", () => {
  const known = OPERATIONS.flatMap((operation) => [
    `/${PACKAGE}.${operation.group}/${operation.id}`,
    ...(operation.kind === "page" && operation.dump !== undefined
      ? [`/${PACKAGE}.${operation.group}/${operation.dump}`]
      : []),
  ]);
  expect([...methods.keys()].filter((path) => !known.includes(path))).toEqual([]);
  expect([...methods.values()].filter(({ requestStream }) => requestStream)).toEqual([]);
});

test("ids, and methods with paths, are unique", () => {
  const ids = OPERATIONS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const requests = OPERATIONS.map(({ http }) => `${http.method} ${http.path}`);
  expect(new Set(requests).size).toBe(requests.length);
});

test("what changes something is for operators, and only a GET is for anyone", () => {
  for (const { id, role, http } of OPERATIONS) {
    if (http.method === "PUT" || http.method === "DELETE") expect(role, id).toBe("operator");
    if (role === "anyone") expect(http.method, id).toBe("GET");
  }
});
