/** Traces: off by default, bounded, cleared, and without secrets. */
import { expect, test } from "vitest";
import { MOST_STEPS, MOST_TRACES, TraceBook } from "../../../src/ipsec/trace/trace-book.js";
import { logLine } from "../lib/observed.js";

const PEER = "192.0.2.2";

test("IPS-33: a trace is off until asked for, goes off by itself, and is cleared", () => {
  const book = new TraceBook();
  book.take("t", PEER, logLine("generating ID_PROT request 0 [ SA ]"), 0, 0);
  expect(book.view("t", 0)).toMatchObject({ on: false, steps: [] });
  book.start("t", 10, 0, 5000);
  expect(book.isOn(9_999)).toBe(true);
  book.take("t", PEER, logLine("generating ID_PROT request 0 [ SA ]"), 1, 5001);
  book.take("other", PEER, logLine("parsed ID_PROT response 0 [ SA ]"), 1, 5001);
  expect(book.view("t", 1)).toMatchObject({
    on: true,
    until: 15_000,
    steps: [{ time: 5001, peer: PEER, message: { exchange: "main mode", payloads: ["SA"] } }],
  });
  book.take("t", PEER, logLine("generating ID_PROT request 0 [ KE ]"), 10_000, 15_000);
  expect(book.view("t", 10_000).steps).toHaveLength(1);
  expect(book.isOn(10_000)).toBe(false);
  book.clear("t");
  expect(book.view("t", 10_000).steps).toEqual([]);
});

test("it keeps so many lines, and tells how many it lost", () => {
  const book = new TraceBook();
  book.start("t", 10, 0, 0);
  for (let n = 0; n < 2 * MOST_STEPS; n++) book.take("t", PEER, logLine(`line ${String(n)}`), 1, n);
  const { steps, lost } = book.view("t", 1);
  expect(steps.length).toBeLessThanOrEqual(1.25 * MOST_STEPS);
  expect(steps.length + lost).toBe(2 * MOST_STEPS);
  expect(steps.at(-1)?.text).toBe(`line ${String(2 * MOST_STEPS - 1)}`);
});

test("so many tunnels are traced at once; one that is off gives way", () => {
  const book = new TraceBook();
  for (let n = 0; n < MOST_TRACES; n++) expect(book.start(`t${String(n)}`, 10, 0, 0)).toBe(true);
  expect(book.start("more", 10, 0, 0)).toBe(false);
  book.stop("t3");
  expect(book.start("more", 10, 0, 0)).toBe(true);
});

test("IPS-86: dumps of octets and lines that name keys are not kept", () => {
  const book = new TraceBook();
  book.start("t", 10, 0, 0);
  const lines = [
    ["shared Diffie Hellman secret => 128 bytes @ 0x7f0000001", 1],
    ["   0: 41 42 43 44 45 46 47 48  ABCDEFGH", 1],
    ["SKEYID_d => 20 bytes @ 0x7f00", 2],
    ["loaded secret: correct horse battery staple", 1],
    ["parsing rule 3 U_INT_32", 3],
    ["received NAT-T (RFC 3947) vendor ID", 1],
  ] as const;
  for (const [text, level] of lines) book.take("t", PEER, logLine(text, { level }), 1, 1);
  expect(book.view("t", 1).steps.map(({ text }) => text)).toEqual([
    "received NAT-T (RFC 3947) vendor ID",
  ]);
});
