/** One HTML file that classifies pictures wherever it is opened. */
import { factsTable, Html, html, pageText, picture } from "../reports/page/html.ts";
import { STYLE } from "../reports/page/style.ts";
import type { PageNetwork } from "./content.ts";
import { pageEngine, pageProgram } from "./program.ts";
import { PAGE_STYLE } from "./style.ts";

/** What a page shows beside the network. Plain data. */
export interface Page {
  /** Of the network. */
  readonly name: string;
  readonly network: PageNetwork;
  /** Where it comes from, each with what it is about. */
  readonly facts: readonly (readonly [about: string, text: string])[];
  /** Pictures to try it on. */
  readonly gallery: readonly GalleryImage[];
  /** What these pictures are, such as `test images`. */
  readonly galleryOf: string;
}

/** A picture with its class. */
export interface GalleryImage {
  /** Bytes of a PNG or JPEG file. */
  readonly file: Uint8Array;
  /** The class's number. */
  readonly label: number;
}

/** With more classes they are not all named at the top. */
const NAMED = 20;

/**
 * The page: one HTML file that needs no other, reaches no network, and opens from a disk.
 * @returns Its text; the scripts in it are all that it runs.
 */
export async function pageHtml({ name, network, facts, gallery, galleryOf }: Page): Promise<string> {
  const { scripts, wasm } = await pageEngine();
  const programs = [...scripts, pageProgram()];
  const { classes, head } = network;
  const count = classes.length;
  const named = classes.slice(0, NAMED).join(", ") + (count > NAMED ? ", ..." : "");
  const body = html`
    <header>
      <h1>What is in the picture?</h1>
      <p
        class="quiet">${name} takes it for one of ${count} classes: ${named}. It knows no others, and names
      one of these whatever it is shown.</p>
    </header>
    <main>
      ${WAYS_IN}
      <p id="status" role="status">Starting ...</p>
      <noscript><p>This page computes, which needs JavaScript.</p></noscript>
      <ol id="answers" aria-label="Answers"></ol>
      <p class="quiet">${aboutMaps(head)}</p>
      ${gallery.length > 0 && galleryHtml(gallery, galleryOf, classes)}
      <h2>Where it comes from</h2>
      ${factsTable(facts)}
    </main>
    ${dataHtml("network", "application/json", JSON.stringify(network).replaceAll("<", "\\u003c"))}
    ${dataHtml("wasm", "text/plain", wasm)} ${programs.map((text) => new Html(`<script>${text}</script>\n`))}
  `;
  const title = `${name}: what is in the picture?`;
  return pageText({ title, policy: await policy(programs), style: STYLE + PAGE_STYLE, body });
}

/** How pictures come in. */
const WAYS_IN = html`
  <section class="drop" id="drop" aria-label="Your pictures">
    <label for="files">Choose pictures</label>
    <input id="files" type="file" accept="image/*" multiple>
    <button type="button" id="camera" hidden>Use the camera</button>
    <p class="quiet">Or drop some anywhere on this page, or paste one. They stay on this device: the page
    reaches no network.</p>
    <div id="viewfinder" hidden>
      <video playsinline muted aria-label="What the camera sees"></video>
      <button type="button" id="take">Take the picture</button>
      <button type="button" id="close">Close the camera</button>
    </div>
  </section>
`;

/** The page may load nothing, from this machine or another, and run these scripts and what they made themselves. */
async function policy(scripts: readonly string[]): Promise<string> {
  // Known texts: nothing of the network, its classes or its data is in them.
  if (scripts.some((script) => /<\/script|<!--/i.test(script))) {
    throw new Error("A script would end before its end");
  }
  const hashes = await Promise.all(scripts.map(async (script) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script));
    return `'sha256-${new Uint8Array(digest).toBase64()}'`;
  }));
  return `default-src 'none'; img-src data:; style-src 'unsafe-inline'; connect-src blob:; ` +
    `script-src 'wasm-unsafe-eval' ${hashes.join(" ")}`;
}

/** What the program reads; it has no `<`. */
function dataHtml(id: string, type: string, text: string): Html {
  return new Html(`<script type="${type}" id="${id}">${text}</script>\n`);
}

function aboutMaps(head: PageNetwork["head"]): string {
  if (head === undefined) {
    return "There are no maps of where a class is seen: this network does not end in a mean or a maximum over its " +
      "last feature map and one linear layer.";
  }
  const kind = head.pool === "mean" ? "its class activation map" : "its Grad-CAM";
  return `The colours show where a class is seen, yellow to red (${kind}): press another class for its own, the same ` +
    "again for none.";
}

function galleryHtml(gallery: readonly GalleryImage[], of: string, classes: readonly string[]): Html {
  const items = gallery.map(({ file, label }, i) =>
    html`
      <li>
        <button type="button" class="test" value="${label}">${picture(file, `Picture ${i + 1}`)}</button>
        ${classes[label]}
      </li>
    `
  );
  const count = gallery.length;
  return html`
    <h2>Pictures to try</h2>
    <p>${count} of the ${of}, which it was not trained on, evenly spread over them, each with what it is. Press
    one.</p>
    <ul class="gallery">
      ${items}
    </ul>
  `;
}

/** The network that a page has. */
export function networkIn(page: string): PageNetwork {
  const [, json] = page.match(/<script type="application\/json" id="network">([^<]*)<\/script>/)!;
  return JSON.parse(json);
}
