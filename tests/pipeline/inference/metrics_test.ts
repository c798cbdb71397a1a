import { assertEquals } from "@std/assert";
import { metrics } from "../../../pipeline/inference/metrics.ts";

Deno.test("metrics: the text format of Prometheus", () => {
  const { counter, gauge, histogram, text } = metrics();
  const requests = counter("requests_total", "Requests.", "code");
  const plain = counter("pictures_total", "Pictures.");
  let waiting = 3;
  gauge("waiting", "Waiting.", () => waiting);
  const seconds = histogram("seconds", "Seconds.", [0.1, 1]);
  requests.add("200");
  requests.add("200");
  requests.add('a"\\\n');
  plain.add("", 5);
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe(value);
  waiting = 4;
  // Written by hand from the format's description: https://prometheus.io/docs/instrumenting/exposition_formats/
  assertEquals(
    text(),
    [
      "# HELP requests_total Requests.",
      "# TYPE requests_total counter",
      'requests_total{code="200"} 2',
      'requests_total{code="a\\"\\\\\\n"} 1',
      "# HELP pictures_total Pictures.",
      "# TYPE pictures_total counter",
      "pictures_total 5",
      "# HELP waiting Waiting.",
      "# TYPE waiting gauge",
      "waiting 4",
      "# HELP seconds Seconds.",
      "# TYPE seconds histogram",
      'seconds_bucket{le="0.1"} 2',
      'seconds_bucket{le="1"} 3',
      'seconds_bucket{le="+Inf"} 4',
      "seconds_sum 7.65",
      "seconds_count 4",
      "",
    ].join("\n"),
  );
});
