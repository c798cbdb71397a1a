/** Counts and times in the text format of Prometheus (version 0.0.4). */

/** A number that only grows, by the value of one label or without. */
export interface Counter {
  /** Adds, 1 unless given. */
  add(label?: string, value?: number): void;
}

/** How values are distributed. */
export interface Histogram {
  /** Counts a value. */
  observe(value: number): void;
}

/** What is measured of a process. */
export interface Metrics {
  /** @param label The name of its label; it has none unless given. */
  counter(name: string, help: string, label?: string): Counter;
  /** @param read The value right now. */
  gauge(name: string, help: string, read: () => number): void;
  /** @param bounds Upper bounds of its buckets, ascending. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram;
  /** All of them, as Prometheus reads them. */
  text(): string;
}

/** The media type of `Metrics.text`. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Metrics, none yet.
 * @example
 * ```ts
 * import { metrics } from "./metrics.ts";
 *
 * const { counter, text } = metrics();
 * counter("requests_total", "Requests answered.", "code").add("200");
 * text(); // ... requests_total{code="200"} 1
 * ```
 */
export function metrics(): Metrics {
  const families: (() => string[])[] = [];
  const family = (name: string, help: string, type: string, samples: () => string[]): void => {
    families.push(() => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples()]);
  };
  return {
    counter(name, help, label) {
      const values = new Map<string, number>(label === undefined ? [["", 0]] : []);
      family(
        name,
        help,
        "counter",
        () =>
          [...values].map(([of, value]) =>
            `${name}${label === undefined ? "" : `{${label}="${escaped(of)}"}`} ${value}`
          ),
      );
      return { add: (of = "", value = 1) => void values.set(of, (values.get(of) ?? 0) + value) };
    },
    gauge(name, help, read) {
      family(name, help, "gauge", () => [`${name} ${read()}`]);
    },
    histogram(name, help, bounds) {
      const counts = bounds.map(() => 0);
      let [sum, count] = [0, 0];
      family(name, help, "histogram", () => [
        ...bounds.map((bound, i) => `${name}_bucket{le="${bound}"} ${counts[i]}`),
        `${name}_bucket{le="+Inf"} ${count}`,
        `${name}_sum ${sum}`,
        `${name}_count ${count}`,
      ]);
      return {
        observe(value) {
          bounds.forEach((bound, i) => counts[i] += value <= bound ? 1 : 0); // each has those of the ones before it
          sum += value;
          count++;
        },
      };
    },
    text: () => families.flatMap((lines) => lines()).join("\n") + "\n",
  };
}

function escaped(label: string): string {
  return label.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
