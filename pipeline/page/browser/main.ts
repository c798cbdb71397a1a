/// <reference lib="dom" />
/** The program of a page that classifies: takes the pictures that a person gives it, and lists the answers. */
import type { Picture } from "../../data/images/picture.ts";
import { percent } from "../../reports/page/texts.ts";
import type { PageNetwork } from "../content.ts";
import { connectCamera } from "./camera.ts";
import { answerCard, guessesOf } from "./card.ts";
import { byId, element } from "./elements.ts";
import { start } from "./engine.ts";
import { readPicture } from "./read.ts";

/** How many answers stay in the list. */
const KEPT = 100;

/** Starts the page. */
export function run(): void {
  main().catch((error) =>
    say(`This page cannot compute here. ${error instanceof Error ? error.message : error}`)
  );
}

/** Starts the network, then takes pictures. */
async function main(): Promise<void> {
  const network: PageNetwork = JSON.parse(byId("network").textContent!);
  const asked = new URLSearchParams(location.search).get("engine");
  const { engine, classifier } = await start(network, byId("wasm").textContent!, asked);
  const ready = `Ready. Computed by ${engine}, on this device.`;
  say(ready);

  const answer = async (name: string, read: () => Promise<Picture>, truth?: string): Promise<void> => {
    say(`Looking at ${name} ...`);
    const picture = await read().catch(() => undefined);
    if (picture === undefined) {
      list(problem(`${name}: this browser cannot read it as a picture.`));
      say(ready);
      return;
    }
    const started = performance.now();
    const found = await classifier.classify(picture);
    const ms = Math.round(performance.now() - started);
    list(answerCard({ name, picture, answer: found, truth }, network));
    const [{ label, probability }] = guessesOf(found);
    say(`${name}: ${network.classes[label]}, ${percent(probability, 1)}. Computed by ${engine} in ${ms} ms.`);
  };
  // One after the other: many pictures at once would fill the memory.
  let last = Promise.resolve();
  const ask = (...given: Parameters<typeof answer>): void => {
    last = last.then(() => answer(...given)).catch((error) => list(problem(`${given[0]}: ${error}`)));
  };

  const askAll = (files: Iterable<File> = []): void => {
    for (const file of files) ask(file.name, () => readPicture(file));
  };
  connectFiles(askAll);
  connectGallery((image, truth) => ask(image.alt, () => readPicture(image), network.classes[truth]));
  connectCamera((video) => {
    const picture = readPicture(video); // as it is now, not when its turn comes
    ask("camera", () => picture);
  }, (text) => list(problem(text)));
}

/** Tells in a line how things are; it is read out too. */
function say(text: string): void {
  byId("status").textContent = text;
}

/** Puts an entry before the others. */
function list(entry: HTMLElement): void {
  const answers = byId("answers");
  answers.prepend(entry);
  while (answers.childElementCount > KEPT) answers.lastElementChild!.remove();
}

function problem(text: string): HTMLElement {
  return element("li", { className: "problem", role: "alert", textContent: text });
}

/** Files that are chosen, dropped anywhere on the page, or pasted. */
function connectFiles(onFiles: (files?: Iterable<File>) => void): void {
  const input = byId("files") as HTMLInputElement;
  input.onchange = () => {
    onFiles(input.files ?? []);
    input.value = ""; // so that the same one can be chosen again
  };
  const mark = (isOver: boolean) => byId("drop").classList.toggle("over", isOver);
  document.ondragover = (event) => {
    event.preventDefault();
    mark(true);
  };
  document.ondragleave = () => mark(false);
  document.ondrop = (event) => {
    event.preventDefault();
    mark(false);
    const files = event.dataTransfer?.files;
    if (files?.length) onFiles(files);
    else list(problem("What was dropped is no file: save the picture first, or paste it."));
  };
  document.onpaste = (event) => onFiles(event.clipboardData?.files);
}

/** The test images, to press; the first one is asked for at once. */
function connectGallery(onImage: (image: HTMLImageElement, truth: number) => void): void {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>("button.test")];
  const ask = (button: HTMLButtonElement) => onImage(button.querySelector("img")!, Number(button.value));
  for (const button of buttons) {
    button.onclick = () => {
      ask(button);
      byId("status").scrollIntoView({ block: "nearest" });
    };
  }
  buttons.slice(0, 1).forEach(ask);
}
