/** fib.timeline: where it goes, how much of it, and what it does to the FIB's ring. */
import { expect, test } from "vitest";
import { check } from "./lib/check.js";

function fib(timeline: string, more = "") {
  const head = "as: 65000\nrouter-id: 10.0.0.254\npeers: [{address: 10.0.0.1}]\n";
  const result = check(`${head}${more}fib: {enabled: true, timeline: {${timeline}}}\n`);
  return result.ok ? result.settings.fib : result.issues.map(({ message }) => message);
}

test("it goes below the state directory, or where the file says", () => {
  const state = "restart: {state-dir: /var/lib/evpnd}\n";
  expect(fib("enabled: true", state)).toMatchObject({
    eventRing: 262_144,
    timeline: { directory: "/var/lib/evpnd/timeline", maxAge: 30 * 86_400, maxSize: 2 ** 30 },
  });
  expect(
    fib("enabled: true, directory: /srv/t, max-age: 90m, max-size: 64MiB", state),
  ).toMatchObject({ timeline: { directory: "/srv/t", maxAge: 5400, maxSize: 64 * 2 ** 20 } });
});

test("without either it is refused; off it costs nothing", () => {
  expect(fib("enabled: true")).toEqual(["nothing says where the timeline is to be kept"]);
  expect(fib("max-age: 1h")).toMatchObject({ eventRing: 32_768, timeline: undefined });
});
