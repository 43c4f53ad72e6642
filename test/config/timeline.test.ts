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

test.each([
  ["fib: true", "write a block: {enabled: true}"],
  ["fib: {enabled: true, timeline: true}", "write a block: {enabled: true}"],
  ["fib: {enabled: true, timeline: {max-age: 5}}", "write 90m, 12h or 30d"],
  ["fib: {enabled: true, timeline: {max-age: 5x}}", "write 90m, 12h or 30d"],
  ["fib: {enabled: true, timeline: {max-size: 10}}", "write 512MiB or 4GiB"],
  ['fib: {enabled: true, timeline: {max-size: "80%"}}', "write 512MiB or 4GiB"],
  [
    "fib: {enabled: true, duplicates: {release: never}}",
    "use a number of seconds or the word manual",
  ],
])("%s: the remedy says what to write", (text, remedy) => {
  const head = "as: 65000\nrouter-id: 10.0.0.254\npeers: [{address: 10.0.0.1}]\n";
  const result = check(`${head}${text}\n`);
  expect(result.ok ? [] : result.issues.map((issue) => issue.remedy)).toEqual([remedy]);
});
