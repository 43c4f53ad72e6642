/** docs/openapi.json is what a running evpnd says of itself, and a valid OpenAPI document. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openApiDocument } from "../../src/api/openapi.js";
import { OPERATIONS } from "../../src/api/service/index.js";
import { readComments } from "../../src/api/service/comments.js";

const FILE = "docs/openapi.json";
const document = openApiDocument();

test("docs/openapi.json", () => {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (process.env["EVPND_UPDATE_DOCS"] === "1") writeFileSync(FILE, text);
  expect(readFileSync(FILE, "utf8"), "EVPND_UPDATE_DOCS=1 writes it").toBe(text);
});

test("it is a valid OpenAPI 3.1 document", async () => {
  const result = await new Validator().validate(structuredClone(document));
  expect(result.errors ?? []).toEqual([]);
  expect([result.valid, document["openapi"]]).toEqual([true, "3.1.0"]);
});

test("every operation is in it, once", () => {
  const paths = document["paths"] as Record<string, Record<string, { operationId: string }>>;
  const found = Object.values(paths).flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  );
  expect(found.sort()).toEqual(OPERATIONS.map(({ id }) => id).sort());
});

test("every reference leads somewhere", () => {
  const text = JSON.stringify(document);
  const { schemas } = document["components"] as { schemas: Record<string, unknown> };
  const names = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]!);
  expect(names.filter((name) => schemas[name] === undefined)).toEqual([]);
});

test("comments of proto/ say what members are", () => {
  const found = new Map<string, string>();
  readComments(
    [
      "// About the file.",
      "",
      "// A thing",
      "// in two lines.",
      "message Thing {",
      "  // Its size.",
      "  optional uint32 its_size = 1;",
      "  string name = 2;",
      "  // By name.",
      "  map<string, double> all = 3;",
      "}",
      "service Things {",
      "  // Lists.",
      "  rpc ListThings(A) returns (B);",
      "}",
    ].join("\n"),
    found,
  );
  expect([...found]).toEqual([
    ["Thing", "A thing in two lines."],
    ["Thing.itsSize", "Its size."],
    ["Thing.all", "By name."],
    ["Things.ListThings", "Lists."],
  ]);
  const { schemas } = document["components"] as {
    schemas: Record<string, { properties: Record<string, { description?: string }> }>;
  };
  expect(schemas["Mac"]?.properties["sticky"]?.description).toBe("It never moves.");
});
