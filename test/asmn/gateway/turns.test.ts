import { expect, test } from "vitest";
import { SharedAnswer, Turns } from "../../../src/asmn/gateway/turns.js";

test("changes go in their order and before looks, one at a time; one that fails ends nothing", async () => {
  const turns = new Turns();
  const order: string[] = [];
  let going = 0;
  const piece = (name: string) => async (): Promise<void> => {
    expect(++going).toBe(1);
    await Promise.resolve();
    order.push(name);
    going--;
    if (name === "two") throw new Error("it failed");
  };
  const all = [
    turns.look(piece("first look")),
    turns.look(piece("second look")),
    turns.change(piece("one")),
    expect(turns.change(piece("two"))).rejects.toThrow("it failed"),
    turns.change(piece("three")),
  ];
  await Promise.all(all);
  expect(order).toEqual(["first look", "one", "two", "three", "second look"]);
  await turns.change(piece("later"));
  expect(order.at(-1)).toBe("later");
});

test("who asks while an answer is being made shares the next one", async () => {
  const made: ((value: number) => void)[] = [];
  const answer = new SharedAnswer(() => new Promise<number>((resolve) => made.push(resolve)));
  const first = answer.ask();
  await Promise.resolve();
  const others = [answer.ask(), answer.ask()];
  expect(made).toHaveLength(1);
  made[0]!(1);
  expect(await first).toBe(1);
  await Promise.resolve();
  expect(made).toHaveLength(2);
  made[1]!(2);
  expect(await Promise.all(others)).toEqual([2, 2]);
});
