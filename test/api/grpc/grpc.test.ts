/** gRPC at the API's port, seen by a client that has nothing but reflection. */
import { Client, credentials, status, type ServiceError } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../../src/api/index.js";
import { OPERATIONS, PACKAGE } from "../../../src/api/service/index.js";
import type { MacView } from "../../../src/fib/index.js";
import { silentLog } from "../../../src/util/log.js";
import { FakeControl, peerView, routeView, SUMMARY } from "../../lib/fake-control.js";
import { addMacs, SHARED, smallFib, type SmallFib } from "../../lib/fib.js";
import { ReflectionClient } from "../lib/reflection-client.js";

/** Reflection has the names of the files, not those of JSON. */
type Named = Omit<MacView, "nextHops"> & { readonly next_hops: MacView["nextHops"] };

const FIB = `${PACKAGE}.Fib`;

let control: FakeControl;
let small: SmallFib;
let door: HttpDoor;
let client: ReflectionClient;
let fibIsOn: boolean;

/** What the doors show: of each test its own. */
const backend = {
  get control() {
    return control;
  },
  get fib() {
    return fibIsOn ? small.control : undefined;
  },
  log: silentLog,
  reload: () => Promise.resolve({ ok: false, lines: ["x.yaml:1:1: as: wrong; correct it"] }),
  metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
};

async function open(): Promise<HttpDoor> {
  const listen = { address: "127.0.0.1", port: 0 };
  return (await openHttpDoor(backend, { listen, allowedHosts: [] }))!;
}

function renew(): void {
  control = new FakeControl();
  small = smallFib();
  fibIsOn = true;
}

// One door for all: it takes a second to make what reflection shows.
beforeAll(async () => {
  renew();
  door = await open();
  client = new ReflectionClient(door.address);
});
beforeEach(renew);
afterAll(async () => {
  client.close();
  await door.close();
});

/** JSON as over HTTP: without what is undefined. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Of a map, as it is on the wire. */
interface Entry {
  readonly key: string;
  readonly value: unknown;
}
const entries = (list: readonly Entry[] = []): Record<string, unknown> =>
  Object.fromEntries(list.map(({ key, value }) => [key, value]));

async function refused(call: Promise<unknown>): Promise<[number, string, unknown]> {
  const error = (await call.then(
    () => expect.fail("it was not refused"),
    (reason: unknown) => reason,
  )) as ServiceError;
  return [error.code, error.details, error.metadata.get("evpnd-code")[0]];
}

describe("a stranger", () => {
  test("finds every service by reflection", async () => {
    const groups = new Set(OPERATIONS.map(({ group }) => `${PACKAGE}.${group}`));
    expect(await client.services()).toEqual(expect.arrayContaining([...groups]));
  });

  test("finds a MAC", async () => {
    const { macs } = await client.unary<{ macs: Named[] }>(FIB, "ListMacs", {
      mac: SHARED,
      vni: 200,
    });
    const { rows } = await small.control.macs({ mac: SHARED, vni: 200 });
    expect(rows).toHaveLength(1);
    const told = macs.map(({ mac, domain, pe, next_hops }) => [mac, domain, pe, next_hops]);
    expect(told).toEqual(rows.map(({ mac, domain, pe, nextHops }) => [mac, domain, pe, nextHops]));
  });

  test("gets pages, and everything as a stream", async () => {
    addMacs(small, 300);
    const page = await client.unary<{ macs: MacView[]; next?: string }>(FIB, "ListMacs", {
      limit: 2,
    });
    expect(page.macs).toHaveLength(2);
    const rest = await client.stream<MacView>(FIB, "DumpMacs", { cursor: page.next });
    expect(rest).toHaveLength(303);
    expect(await client.stream(FIB, "DumpMacs", { limit: 60 })).toHaveLength(60);
  });

  test("is told when the FIB was rebuilt between two pages", async () => {
    const page = await client.unary<{ next?: string }>(FIB, "ListMacs", { limit: 2 });
    small = smallFib();
    for (const call of [
      client.unary(FIB, "ListMacs", { cursor: page.next }),
      client.stream(FIB, "DumpMacs", { cursor: page.next }),
    ]) {
      expect(await refused(call)).toEqual([
        status.FAILED_PRECONDITION,
        "the FIB was rebuilt since the page before; begin again",
        "rebuilt",
      ]);
    }
  });

  test("sees members without a fixed shape as they are", async () => {
    control.routeViews = [
      routeView(1, { nlri: { routeType: 2, esi: null, ips: ["10.0.0.1", 7] } }),
    ];
    interface Struct {
      readonly fields: readonly Entry[];
    }
    const { routes } = await client.unary<{ routes: { nlri: Struct; attributes: Struct[] }[] }>(
      `${PACKAGE}.Routes`,
      "ListRoutes",
    );
    expect(entries(routes[0]?.nlri.fields)).toEqual({
      routeType: { number_value: 2 },
      esi: { null_value: "NULL_VALUE" },
      ips: { list_value: { values: [{ string_value: "10.0.0.1" }, { number_value: 7 }] } },
    });
    expect(entries(routes[0]?.attributes[0]?.fields)["code"]).toEqual({ number_value: 16 });
  });

  test("sees peers and counters as over HTTP", async () => {
    const { peers } = await client.unary<{ peers: object[] }>(`${PACKAGE}.Peers`, "ListPeers");
    expect(peers[0]).toMatchObject({ address: "10.0.0.1", messages: { in: { update: 7 } } });
    const { counters } = await client.unary<{ counters: readonly Entry[] }>(
      `${PACKAGE}.Status`,
      "GetStatistics",
    );
    expect(entries(counters)).toEqual({ updates_total: 7 });
  });

  test("gets a file in chunks", async () => {
    const content = Uint8Array.from({ length: 150_000 }, (_, index) => index & 0xff);
    control.recording = () => Promise.resolve(content);
    const chunks = await client.stream<{ name?: string; content: Buffer }>(
      `${PACKAGE}.Feeds`,
      "GetRecording",
      { address: "10.0.0.1" },
    );
    expect(chunks.map(({ name }) => name)).toEqual(["10.0.0.1.pcap", undefined, undefined]);
    expect(Buffer.concat(chunks.map((chunk) => chunk.content)).equals(content)).toBe(true);
  });
});

test("descriptors are whole: types by full name, optional members, files that need files", async () => {
  const files = (await client.files(FIB)).map((file) => file.toString("latin1"));
  expect(files).toHaveLength(2);
  expect(files.join()).toContain("evpnd/v1/evpnd.proto");
  expect(files.join()).toContain("google/protobuf/struct.proto");
  expect(files.join()).toContain(".evpnd.v1.Mac");
  expect(files.join()).toContain("CountersEntry");
});

test("HTTP at the same port", async () => {
  const answer = await fetch(`http://${door.address}/v1/peers`);
  expect(await answer.json()).toEqual(plain({ peers: [peerView()] }));
});

test("acting", async () => {
  await client.unary(`${PACKAGE}.Peers`, "ShutdownPeer", { address: "10.0.0.1", text: "bye" });
  expect(control.calls).toEqual([["shutdownPeer", "10.0.0.1", "bye"]]);
  await client.unary(`${PACKAGE}.Maintenance`, "BeginMaintenance", { peers: ["all"] });
  expect(control.calls[1]).toEqual([
    "beginMaintenance",
    { peers: "all", drainSeconds: 60, then: "nothing", text: "maintenance" },
  ]);
});

describe("refusals are a status, and HTTP's sentence and code", () => {
  test("input", async () => {
    expect(await refused(client.unary(FIB, "ListMacs", { vni: 16777216 }))).toEqual([
      status.INVALID_ARGUMENT,
      expect.stringContaining("vni must be <= 16777215"),
      "invalid",
    ]);
    expect(await refused(client.unary(FIB, "ExplainMac"))).toEqual([
      status.INVALID_ARGUMENT,
      expect.stringContaining("mac is missing"),
      "invalid",
    ]);
    expect((await refused(client.unary(FIB, "ListMacs", { limit: 5000 })))[1]).toContain(
      "limit is at most 1000",
    );
    expect((await refused(client.stream(FIB, "DumpMacs", { mac: "zz" })))[0]).toBe(
      status.INVALID_ARGUMENT,
    );
  });

  test("what there is not, what is off, what is refused, a bug", async () => {
    const peer = client.unary(`${PACKAGE}.Peers`, "GetPeer", { address: "10.9.9.9" });
    expect(await refused(peer)).toEqual([status.NOT_FOUND, "no peer 10.9.9.9", "not-found"]);
    fibIsOn = false;
    expect((await refused(client.unary(FIB, "ListMacs")))[0]).toBe(status.FAILED_PRECONDITION);
    const reload = client.unary(`${PACKAGE}.Configuration`, "Reload");
    expect((await refused(reload))[1]).toContain("x.yaml:1:1: as: wrong");
    control.stats = () => Promise.reject(new Error("secret detail"));
    expect(await refused(client.unary(`${PACKAGE}.Status`, "GetStatistics"))).toEqual([
      status.INTERNAL,
      "evpnd failed to answer; its log has the reason",
      "bug",
    ]);
  });

  test("a message beyond the bound", async () => {
    const text = "x".repeat(3_000_000);
    const diff = client.unary(`${PACKAGE}.Configuration`, "DiffConfiguration", { text });
    expect((await refused(diff))[0]).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe("health", () => {
  const check = (service: string, address = door.address) => {
    const method = healthService["check"] ?? healthService["Check"];
    const one = new Client(address, credentials.createInsecure());
    return new Promise<string>((resolve, reject) => {
      one.makeUnaryRequest(
        method!.path,
        method!.requestSerialize,
        method!.responseDeserialize,
        { service },
        (error, answer) => {
          one.close();
          if (error === null) resolve((answer as { status: string }).status);
          else reject(error);
        },
      );
    });
  };

  test("SERVING while BGP listens", async () => {
    expect([await check(""), await check(FIB)]).toEqual(["SERVING", "SERVING"]);
  });

  test("not before", async () => {
    control.summaryView = { ...SUMMARY, ready: false };
    const early = await open();
    try {
      expect(await check("", early.address)).toBe("NOT_SERVING");
    } finally {
      await early.close();
    }
  });
});

test("a stream goes as fast as the client reads", async () => {
  control.routeViews = Array.from({ length: 20_000 }, (_, index) => routeView(index));
  control.pageSize = 50;
  const call = await client.open(`${PACKAGE}.Routes`, "DumpRoutes");
  // This client reads ahead until the first message is taken.
  await new Promise((resolve) => call.once("data", resolve));
  call.pause();
  await settled(() => control.calls.length);
  const asked = control.calls.length;
  expect(asked).toBeLessThan(300);
  let rows = 1;
  for await (const row of call) rows += row === undefined ? 0 : 1;
  expect(rows).toBe(20_000);
  expect(control.calls.length).toBeGreaterThan(asked);
});

test("a client that goes away ends its stream", async () => {
  control.routeViews = Array.from({ length: 20_000 }, (_, index) => routeView(index));
  control.pageSize = 50;
  const call = await client.open(`${PACKAGE}.Routes`, "DumpRoutes");
  call.on("error", () => {});
  await new Promise((resolve) => call.once("data", resolve));
  call.cancel();
  await settled(() => control.calls.length);
  expect(control.calls.length).toBeLessThan(300);
});

test("off: the connection is closed, HTTP goes on", async () => {
  const off = await open();
  off.setRules({ listen: undefined, allowedHosts: [], grpc: false });
  const closed = new Promise<string>((resolve) => {
    const socket = connect(Number(off.address.split(":").pop()), "127.0.0.1");
    socket.on("error", () => {});
    socket.on("close", () => resolve("closed"));
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  });
  expect(await closed).toBe("closed");
  expect((await fetch(`http://${off.address}/ready`)).status).toBe(200);
  await off.close();
});

/** Until the value has stayed the same for a while. */
async function settled(value: () => number): Promise<void> {
  for (let last = -1; last !== value();) {
    last = value();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
