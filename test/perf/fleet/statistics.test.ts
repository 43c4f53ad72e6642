import { describe, expect, test } from "vitest";
import { Histogram, mean, median } from "../../../perf/fleet/statistics.js";

describe("median and mean", () => {
  test("of odd, even and no values", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([10, 9, 100])).toBe(10);
    expect(median([])).toBeNaN();
    expect(mean([1, 2, 6])).toBe(3);
  });

  test("do not sort the caller's array", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe("Histogram", () => {
  test("knows nothing at first and after clear", () => {
    const histogram = new Histogram();
    expect(histogram.quantileMillis(0.5)).toBeNaN();
    expect(histogram.maxMillis).toBeNaN();
    histogram.recordMillis(7);
    histogram.clear();
    expect(histogram.count).toBe(0);
    expect(histogram.quantileMillis(0.99)).toBeNaN();
  });

  test("is exact for small values and never above the maximum", () => {
    const histogram = new Histogram();
    for (let micros = 1; micros <= 200; micros++) histogram.recordMillis(micros / 1000);
    expect(histogram.quantileMillis(0.5)).toBe(0.1);
    expect(histogram.quantileMillis(0.99)).toBe(0.198);
    expect(histogram.quantileMillis(1)).toBe(0.2);
    expect(histogram.maxMillis).toBe(0.2);
  });

  test("gives quantiles within 0.8 % of the sorted values, over six powers of ten", () => {
    const histogram = new Histogram();
    const values: number[] = [];
    let state = 12345;
    for (let n = 0; n < 20_000; n++) {
      state = (state * 1103515245 + 12345) % 2147483648;
      const value = 10 ** ((state / 2147483648) * 6 - 2);
      values.push(value);
      histogram.recordMillis(value);
    }
    values.sort((a, b) => a - b);
    for (const quantile of [0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = values[Math.ceil(quantile * values.length) - 1] ?? NaN;
      const given = histogram.quantileMillis(quantile);
      expect(Math.abs(given - exact) / exact, `quantile ${quantile}`).toBeLessThan(
        0.008 + 0.001 / exact,
      );
    }
  });

  test("puts what is negative or endless at its ends", () => {
    const histogram = new Histogram();
    histogram.recordMillis(-1);
    histogram.recordMillis(1e12);
    expect(histogram.count).toBe(2);
    expect(histogram.quantileMillis(0.5)).toBe(0);
    expect(histogram.maxMillis).toBeCloseTo(2147483.647);
  });
});
