import { assertEquals } from "@std/assert";
import {
  csvHeader,
  csvLine,
  predictionJson,
  predictionLine,
  type Shown,
} from "../../../scripts/cli/prediction_lines.ts";

const FOUND: Shown = {
  file: "a/cat.jpg",
  width: 640,
  height: 480,
  ms: 12.3456,
  top: [
    { label: 3, className: "cat", probability: 0.968 },
    { label: 5, className: 'd"o,g\n', probability: 0.0204 },
  ],
};

Deno.test("predictionLine: a picture, its size, its classes and milliseconds, on one line", () => {
  assertEquals(predictionLine(FOUND), 'a/cat.jpg: 640x480 cat 0.97, d"o,g\\n 0.02, 12.3 ms');
  assertEquals(predictionLine({ ...FOUND, file: "c\x1b[2Jt" }).slice(0, 12), "c\\u001b[2Jt:");
});

Deno.test("predictionJson: an object a line", () => {
  const top = [{ label: "cat", probability: 0.968 }, { label: 'd"o,g\n', probability: 0.0204 }];
  const plain = {
    file: "a/cat.jpg",
    label: "cat",
    probability: 0.968,
    top,
    width: 640,
    height: 480,
    ms: 12.346,
  };
  assertEquals(JSON.parse(predictionJson(FOUND)), plain);
  assertEquals(predictionJson(FOUND).includes("\n"), false);
  assertEquals(JSON.parse(predictionJson({ ...FOUND, map: "m/cat.png" })), { ...plain, map: "m/cat.png" });
});

Deno.test("csvLine: as many fields as the header, quoted where RFC 4180 asks for it", () => {
  assertEquals(csvHeader(2), "file,width,height,ms,label,probability,label2,probability2");
  assertEquals(csvLine(FOUND), 'a/cat.jpg,640,480,12.346,cat,0.968,"d""o,g\n",0.0204');
});
