/** Every link between the pages leads somewhere, and every example is mentioned. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

const pages = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith(".md"),
);

function links(page: string): string[] {
  const text = readFileSync(page, "utf8");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
}

describe.each(pages)("%s", (page) => {
  test("leads somewhere", () => {
    const missing = links(page)
      .filter((link) => !/^(https?:|#)/.test(link))
      .filter((link) => !existsSync(join(dirname(page), link.replace(/#.*/, ""))));
    expect(missing).toEqual([]);
  });
});

test("docs/configuration.md mentions every example", () => {
  const text = readFileSync("docs/configuration.md", "utf8");
  const examples = readdirSync("conf").filter((name) => name.endsWith(".yaml"));
  expect(examples.filter((name) => !text.includes(`(../conf/${name})`))).toEqual([]);
});

test("every page of docs/ is reached from README.md", () => {
  const seen = new Set<string>();
  const visit = (page: string) => {
    if (seen.has(page) || !existsSync(page)) return;
    seen.add(page);
    for (const link of links(page)) {
      if (link.endsWith(".md") && !link.startsWith("http")) visit(join(dirname(page), link));
    }
  };
  visit("README.md");
  expect(pages.filter((page) => !seen.has(page))).toEqual([]);
});
