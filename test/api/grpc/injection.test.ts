/** Injection by gRPC, as a client with nothing but reflection has it. */
import { status, type ServiceError } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../../src/api/index.js";
import { PACKAGE } from "../../../src/api/service/index.js";
import { silentLog } from "../../../src/util/log.js";
import { start } from "../../inject/lib.js";
import { FakeControl } from "../../lib/fake-control.js";
import { ReflectionClient } from "../lib/reflection-client.js";

const INJECTION = `${PACKAGE}.Injection`;
const MAC = { type: "mac", mac: "52:54:00:00:00:01", vni: 100, next_hop: "10.0.0.1" };
const ROUTE = "2:10.0.0.1:100::0::52:54:00:00:00:01";

interface Row {
  readonly route: string;
  readonly best: boolean;
  readonly spec: { readonly route_targets: readonly string[]; readonly next_hop: string };
}

let started: ReturnType<typeof start>;
let door: HttpDoor;
let client: ReflectionClient;

beforeEach(async () => {
  started = start();
  const backend = {
    control: new FakeControl(),
    inject: started.injection.door,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = (await openHttpDoor(backend, { listen, allowedHosts: [] }))!;
  client = new ReflectionClient(door.address);
});
afterEach(async () => {
  client.close();
  await door.close();
});

test("routes are injected, listed, streamed and withdrawn", async () => {
  const es = { type: "es", esi: "00:11:22:33:44:55:66:77:88:99", next_hop: "10.0.0.1" };
  const order = { owner: "ops", routes: [MAC, es], ttl_seconds: 60 };
  const { routes } = await client.unary<{ routes: Row[] }>(INJECTION, "InjectRoutes", order);
  expect(routes[0]).toMatchObject({ route: ROUTE, best: true });
  expect(routes[0]?.spec).toMatchObject({
    route_targets: ["65000:100"],
    next_hop: "10.0.0.1",
  });
  expect(started.lines[0]?.fields).toMatchObject({ by: "local at 127.0.0.1", count: 2 });
  const page = await client.unary<{ routes: Row[]; next: string }>(INJECTION, "ListInjected", {
    limit: 1,
  });
  expect(page.routes.map(({ route }) => route)).toEqual([ROUTE]);
  const rest = await client.stream<Row>(INJECTION, "DumpInjected", { cursor: page.next });
  expect(rest).toHaveLength(1);
  const one = { owner: "ops", routes: [ROUTE] };
  expect(await client.unary(INJECTION, "WithdrawInjected", one)).toEqual({ withdrawn: 1 });
  const all = await client.unary(INJECTION, "WithdrawInjected", { owner: "ops" });
  expect(all).toEqual({ withdrawn: 1 });
});

test("a route that cannot be is refused with the same sentence", async () => {
  const order = { owner: "ops", routes: [{ ...MAC, next_hop: "here" }] };
  const error = (await client.unary(INJECTION, "InjectRoutes", order).then(
    () => expect.fail("it was not refused"),
    (reason: unknown) => reason,
  )) as ServiceError;
  expect([error.code, error.details]).toEqual([
    status.INVALID_ARGUMENT,
    'nextHop "here" is no IP address; write a whole IPv4 or IPv6 address',
  ]);
});
