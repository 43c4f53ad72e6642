/**
 * A walk over every operation: its documented path answers, the answer is what the OpenAPI document says,
 * and gRPC's messages carry the same.
 */
import { loadSync } from "@grpc/proto-loader";
import type { MessageTypeDefinition } from "@grpc/proto-loader";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildServer } from "../../../src/api/http.js";
import { openApiDocument } from "../../../src/api/openapi.js";
import {
  decoderOf,
  encoderOf,
  OPERATIONS,
  PACKAGE,
  proto,
} from "../../../src/api/service/index.js";
import type { Operation } from "../../../src/api/service/index.js";
import { protoFiles, protoFolder } from "../../../src/api/service/proto.js";
import { LocalQuarantineControl, LocalSubscriberControl } from "../../../src/fib/index.js";
import { candidateDoors } from "../../../src/reload/policy-candidate.js";
import { silentLog } from "../../../src/util/log.js";
import type { FakeControl } from "../../lib/fake-control.js";
import { Compared, session } from "../../fib/subscribers/lib.js";
import { FakeAsmn } from "../../lib/fake-asmn.js";
import { FakeRadius, SUBSCRIBER } from "../../lib/fake-radius.js";
import { smallFib } from "../../lib/fib.js";
import { AnswerCheck } from "../lib/answers.js";
import { fullControl } from "../lib/full-control.js";
import { SAMPLES } from "./samples.js";

const check = new AnswerCheck(openApiDocument());
let server: ReturnType<typeof buildServer>;
let control: FakeControl;

const DONE = { ok: true, lines: ["done"] };
beforeAll(() => {
  control = fullControl();
  const small = smallFib();
  const mac = SUBSCRIBER;
  const compared = new Compared().known(session({ mac, vlan: "7", ip: "10.1.2.3" }));
  compared.rig.say(2, { mac }).run();
  compared.pass(20);
  const backend = {
    control,
    fib: small.control,
    quarantine: new LocalQuarantineControl(small.fabric.fib),
    subscribers: new LocalSubscriberControl(compared.check),
    radius: new FakeRadius(),
    ...new FakeAsmn().backend,
    log: silentLog,
    reload: () => Promise.resolve(DONE),
    ...candidateDoors({
      control,
      whatIf: () => undefined,
      read: () => Promise.resolve({ ok: true, candidate: { policies: [], settings: undefined } }),
    }),
    config: {
      running: () => ({
        file: "/etc/evpnd/evpnd.yaml",
        loaded: 1_700_000_000_000,
        pending: { secondsLeft: 12.5 },
        configuration: { as: 65000, listen: ["127.0.0.1:1790"], fib: { enabled: true, x: null } },
      }),
      pending: () => ({ secondsLeft: 12.5 }),
      confirm: () => Promise.resolve(DONE),
      rollback: () => Promise.resolve(DONE),
      diff: () =>
        Promise.resolve({
          ok: true,
          issues: [],
          changes: [
            {
              subject: "peer 10.0.0.1",
              effect: "reset" as const,
              keys: [
                { key: "password", secret: true as const },
                { key: "x", before: "1", after: "2" },
              ],
              sessions: ["10.0.0.1"],
            },
          ],
          lines: ["peer 10.0.0.1: session reset"],
        }),
    },
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "evpnd_up 1\n" }),
  };
  server = buildServer(backend, () => ({ listen: undefined, allowedHosts: [] }));
});
afterAll(() => server.close());

/** The request that HTTP makes of an input. */
async function ask({ http }: Operation, input: Readonly<Record<string, unknown>>) {
  const rest = { ...input };
  const textOf = (value: unknown): string => (typeof value === "string" ? value : "x");
  const path = http.path.replaceAll(/:(\w+)/g, (_all, name: string) => {
    const value = encodeURIComponent(textOf(rest[name]));
    delete rest[name];
    return value;
  });
  const hasBody = http.method === "POST" || http.method === "PUT";
  const query = Object.fromEntries(
    Object.entries(rest).filter(([name]) => !hasBody || http.query?.includes(name)),
  );
  for (const name of Object.keys(query)) delete rest[name];
  const answer = await server.inject({
    method: http.method,
    url: path,
    query: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])),
    headers: { host: "127.0.0.1" },
    ...(hasBody && Object.keys(rest).length > 0 && { payload: rest }),
  });
  return {
    status: answer.statusCode,
    body: answer.body,
    type: String(answer.headers["content-type"]),
  };
}

describe.each(OPERATIONS.filter(({ kind }) => kind === "unary" || kind === "page"))(
  "$id",
  (operation) => {
    test("answers as the document says", async () => {
      const sample = SAMPLES[operation.id];
      const { status, body } = await ask(operation, sample ?? {});
      if (sample !== undefined)
        expect([status, body.slice(0, 300)]).toEqual([200, body.slice(0, 300)]);
      expect(check.faults(operation.id, status, body)).toEqual([]);
    });
  },
);

test.each(OPERATIONS.filter(({ kind }) => kind === "file"))("$id is a file", async (operation) => {
  const { status, type } = await ask(operation, SAMPLES[operation.id] ?? {});
  expect(status).toBe(200);
  if (operation.kind === "file") expect(operation.contentTypes).toContain(type.split(";", 1)[0]);
});

describe("gRPC carries the same as HTTP", () => {
  const whole = loadSync(protoFiles(), {
    longs: Number,
    defaults: true,
    arrays: true,
    includeDirs: [protoFolder()],
  });

  test.each(
    OPERATIONS.filter(({ id, kind }) => id in SAMPLES && (kind === "unary" || kind === "page")),
  )("$id", async (operation) => {
    if (operation.kind !== "unary" && operation.kind !== "page") return;
    const { body } = await ask(operation, SAMPLES[operation.id] ?? {});
    const answer = JSON.parse(body) as object;
    const member = operation.http.body;
    const message = member === undefined ? answer : { [member]: answer };
    const { output } = operation;
    const codec = whole[`${PACKAGE}.${output}`] as MessageTypeDefinition<object, object>;
    const encoded = codec.serialize(encoderOf(proto(), output)?.(message) ?? message);
    const decoded = codec.deserialize(encoded);
    expect(decoderOf(proto(), output)?.(decoded) ?? decoded).toMatchObject(message);
  });
});

test("a document that leaves something out is caught", async () => {
  const operation = OPERATIONS.find(({ id }) => id === "GetPeer")!;
  const { body } = await ask(operation, SAMPLES["GetPeer"]!);
  const more = JSON.stringify({ ...(JSON.parse(body) as object), surprise: 1 });
  expect(check.faults("GetPeer", 200, more).join()).toContain("surprise");
  const less = JSON.stringify({ ...(JSON.parse(body) as object), address: undefined });
  expect(check.faults("GetPeer", 200, less).join()).toContain("address");
});
