/// <reference lib="dom" />
/** What a page shows of an answer: the picture, the classes with their probabilities, where the network sees one. */
import { CHANNELS, type Picture } from "../../data/images/picture.ts";
import { longerSize, resizePicture } from "../../data/images/resample.ts";
import { shownPart } from "../../data/images/input.ts";
import { drawActivationMap } from "../../reports/activation_map.ts";
import { percent } from "../../reports/page/texts.ts";
import type { PageNetwork } from "../content.ts";
import type { Answer } from "./classify.ts";
import { element } from "./elements.ts";

/** A picture and what the network says of it. */
export interface Answered {
  /** What the picture is called. */
  readonly name: string;
  readonly picture: Picture;
  readonly answer: Answer;
  /** What it is, if that is known. */
  readonly truth?: string;
}

/** How many classes are listed. */
const LISTED = 5;

/** Pictures up to this size are shown to the pixel, others with a longer side of so many, in pixels. */
const [SMALL, SIDE] = [64, 480];

/** A class that a picture may be of. */
interface Guess {
  readonly label: number;
  readonly probability: number;
}

/** The most probable classes first; of equally probable ones the lower number. */
export function guessesOf({ probabilities }: Answer): Guess[] {
  return probabilities.map((probability, label) => ({ label, probability }))
    .sort((a, b) => b.probability - a.probability || a.label - b.label);
}

/** An entry of the page's list. */
export function answerCard(answered: Answered, network: PageNetwork): HTMLElement {
  const { name, picture, answer, truth } = answered;
  const { classes } = network;
  const [best, ...others] = guessesOf(answer);
  const canvas = element("canvas", { role: "img" });
  const isSmall = Math.max(picture.width, picture.height) <= SMALL;
  canvas.classList.toggle("small", isSmall);
  const shown = isSmall ? picture : resizePicture(picture, longerSize(picture, SIDE));
  const show = (label?: number) => {
    const map = label === undefined ? undefined : answer.mapOf?.(label);
    draw(canvas, map === undefined ? shown : drawActivationMap(shown, map, shownPart(shown, network)));
    canvas.ariaLabel = map === undefined ? name : `${name}, in colour where “${classes[label!]}” is seen`;
  };
  const rows = [best, ...others.slice(0, LISTED - 1)].map(({ label, probability }) =>
    bar(classes[label], probability, label)
  );
  if (answer.mapOf === undefined) show();
  else chooseOne(rows, show);
  const verdict = truth === undefined ? [] : [element("p", {
    className: "quiet",
    textContent: `The truth: ${truth}. ${truth === classes[best.label] ? "Right." : "Wrong."}`,
  })];
  return element(
    "li",
    { className: "answer" },
    element(
      "figure",
      {},
      canvas,
      element("figcaption", { textContent: `${name}, ${picture.width} x ${picture.height}` }),
    ),
    element(
      "div",
      {},
      element("h3", { textContent: `${classes[best.label]}, ${percent(best.probability, 1)}` }),
      ...verdict,
      element("ul", {}, ...rows.map((row) => element("li", {}, row))),
    ),
  );
}

/** A class with its probability as a number and as a bar, to press. */
function bar(name: string, probability: number, label: number): HTMLButtonElement {
  const line = element("span", { className: "bar" });
  line.style.width = `${100 * probability}%`;
  return element(
    "button",
    { type: "button", className: "guess", value: `${label}` },
    element("span", { textContent: name }),
    element("span", { className: "number", textContent: percent(probability, 1) }),
    line,
  );
}

/** Makes the buttons show one map at a time, the first one's at first; pressed again none. */
function chooseOne(buttons: readonly HTMLButtonElement[], show: (label?: number) => void): void {
  const press = (pressed?: HTMLButtonElement) => {
    for (const button of buttons) button.ariaPressed = `${button === pressed}`;
    show(pressed && Number(pressed.value));
  };
  for (const button of buttons) {
    button.onclick = () => press(button.ariaPressed === "true" ? undefined : button);
  }
  press(buttons[0]);
}

function draw(canvas: HTMLCanvasElement, { width, height, pixels }: Picture): void {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; from < pixels.length; from += CHANNELS) {
    image.data[to++] = pixels[from];
    image.data[to++] = pixels[from + 1];
    image.data[to++] = pixels[from + 2];
    image.data[to++] = 255;
  }
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}
