/** A word on where a network comes from, for a page that has it. */
import { type Model, parameterCount } from "../../layers/mod.ts";
import { isLikeCifar10 } from "../data/cifar/records.ts";
import type { ImageSpec } from "../data/dataset.ts";
import { percent, whole } from "../reports/page/texts.ts";
import type { RunInfo } from "../runs/folder.ts";
import type { Page } from "./page.ts";

/** What is known of a network. */
export interface Origin extends Pick<ImageSpec, "imageShape" | "classes"> {
  readonly model: Model;
  /** Of the run that trained it, where it is one's. */
  readonly info?: RunInfo;
  /** How many images it was trained on, where they are there to be counted. */
  readonly images?: number;
}

/** The rows of the page's table. */
export function pageFacts(
  { model, imageShape, classes, info, images }: Origin,
): Page["facts"] {
  const [height, width] = imageShape;
  const facts: Readonly<Record<string, string | undefined>> = {
    "network": `${model.name}, ${
      whole(parameterCount(model))
    } parameters, images of ${width} x ${height} pixels`,
    "recipe": info && `${info.recipe.name}: ${info.recipe.about}`,
    "data": dataText({ imageShape, classes, info, images }),
    "accuracy": info && accuracyText(info),
    "date": info &&
      new Date(info.started).toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" }),
    "made with": info && Object.entries(info.versions).map((entry) => entry.join(" ")).join(", "),
  };
  return Object.entries(facts).flatMap(([about, text]) => text === undefined ? [] : [[about, text]]);
}

function dataText({ info, images, ...spec }: Omit<Origin, "model">): string | undefined {
  const { classes } = spec;
  const name = isLikeCifar10(spec)
    ? "CIFAR-10"
    : info?.data && `the folder ${info.data.split(/[\\/]/).findLast((part) => part)}`;
  const of = `${classes.length} classes`;
  if (name === undefined) return undefined;
  return images === undefined ? `${name}, ${of}` : `${name}, ${whole(images)} training images of ${of}`;
}

function accuracyText({ test, validation }: RunInfo): string | undefined {
  const measured = test ?? validation;
  if (measured === undefined) return undefined;
  return `${percent(measured.accuracy)} of ${whole(measured.images)} ${
    test === undefined ? "validation images, which were held out from training" : "test images"
  }`;
}
