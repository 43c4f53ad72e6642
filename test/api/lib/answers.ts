/** Answers of the HTTP door against what the OpenAPI document says of them: nothing missing, nothing more. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { ValidateFunction } from "ajv";

interface Schema {
  readonly [name: string]: unknown;
}
interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
  readonly $ref?: string;
}
interface PathOperation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, Response>>;
}

export class AnswerCheck {
  readonly document: object;
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  private readonly operations = new Map<string, PathOperation>();
  private readonly compiled = new Map<string, ValidateFunction>();
  private readonly components: Schema;

  constructor(document: object) {
    this.document = document;
    const { paths, components } = document as {
      paths: Record<string, Record<string, PathOperation>>;
      components: Schema;
    };
    for (const item of Object.values(paths)) {
      for (const operation of Object.values(item))
        this.operations.set(operation.operationId, operation);
    }
    this.components = strict(components) as Schema;
  }

  /** What is wrong with an answer, a line each. */
  faults(id: string, status: number, body: string, type = "application/json"): string[] {
    const operation = this.operations.get(id);
    if (operation === undefined) return [`the document has no ${id}`];
    const isRefused = status >= 400 && operation.responses[status] === undefined;
    if (!isRefused && operation.responses[status] === undefined) {
      return [`${id}: the document does not know of ${status}`];
    }
    if (status === 404 && body.includes("there is nothing at")) return [`${id}: ${body}`];
    if (status >= 500 && isRefused && status !== 501) return [`${id}: ${status} ${body}`];
    const schema = isRefused
      ? { $ref: "#/components/schemas/Error" }
      : operation.responses[status]?.content?.[type]?.schema;
    if (schema === undefined) return [`${id}: the document has no ${type}`];
    const validate = this.validator(`${id} ${isRefused} ${type}`, schema);
    if (validate(JSON.parse(body))) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message = "", params }) =>
        `${id}: ${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }

  private validator(name: string, schema: Schema): ValidateFunction {
    const known = this.compiled.get(name);
    if (known !== undefined) return known;
    const made = this.ajv.compile({ ...(strict(schema) as Schema), components: this.components });
    this.compiled.set(name, made);
    return made;
  }
}

/** Members that the document does not name are faults, in a test. */
function strict(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(strict);
  if (typeof node !== "object" || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, strict(value)]));
  if (copy["type"] === "object" && "properties" in copy) copy["additionalProperties"] ??= false;
  return copy;
}
