/** Dictionaries: the built-in tables, and the loader for FreeRADIUS's format. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Dictionary } from "../../../src/radius/dictionary/dictionary.js";
import { loadDictionary } from "../../../src/radius/dictionary/freeradius.js";
import { builtInDictionary } from "../../../src/radius/dictionary/built-in.js";

const TEXT = `
# a comment
VENDOR  Acme 99999 format=2,1
BEGIN-VENDOR Acme
ATTRIBUTE Acme-Key 300 octets encrypt=2
ATTRIBUTE Acme-Mode 301 integer
VALUE Acme-Mode Fast 1
END-VENDOR Acme
ATTRIBUTE Plain 200 string has_tag,encrypt=2
ATTRIBUTE Deep 241.1 integer
$INCLUDE more
NONSENSE here
`;

test("attributes, vendors, values, flags, includes; unknown words are reported", () => {
  const dictionary = new Dictionary();
  const faults = loadDictionary(TEXT, "top", dictionary, (name) =>
    name === "more" ? "ATTRIBUTE Included 201 ipaddr" : undefined,
  );
  expect(dictionary.named("acme-key")).toMatchObject({
    vendor: 99999,
    type: 300,
    hiding: "salted",
  });
  expect(dictionary.vendor(99999)).toMatchObject({ typeSize: 2, lengthSize: 1 });
  expect(dictionary.valueName("Acme-Mode", 1)).toBe("Fast");
  expect(dictionary.find(0, 200)).toMatchObject({ tagged: true, hiding: "salted" });
  expect(dictionary.find(0, 201)?.valueType).toBe("ipv4addr");
  expect(faults).toEqual([{ file: "top", line: 12, message: "unknown word NONSENSE" }]);
});

test("a file that includes itself ends", () => {
  const faults = loadDictionary("$INCLUDE a", "a", new Dictionary(), () => "$INCLUDE a");
  expect(faults).toHaveLength(1);
});

test("RAD-54: the built-in tables know what is hidden", () => {
  const dictionary = builtInDictionary();
  expect(dictionary.find(0, 2)?.hiding).toBe("password");
  expect(dictionary.find(0, 69)).toMatchObject({ hiding: "salted", tagged: true });
  for (const type of [16, 17]) expect(dictionary.find(311, type)?.hiding).toBe("salted");
  expect(dictionary.named("Radius-Client-Address")).toMatchObject({ vendor: 4874, type: 52 });
});

const SYSTEM = "/usr/share/freeradius";
test.skipIf(!existsSync(join(SYSTEM, "dictionary")))(
  "FreeRADIUS's own dictionaries load without a fault",
  () => {
    const dictionary = new Dictionary();
    const faults = loadDictionary(
      readFileSync(join(SYSTEM, "dictionary"), "utf8"),
      "dictionary",
      dictionary,
      (name) => readFileSync(join(SYSTEM, name), "utf8"),
    );
    expect(faults).toEqual([]);
    expect(dictionary.size).toBeGreaterThan(3000);
  },
);
