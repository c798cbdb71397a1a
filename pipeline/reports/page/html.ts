/** HTML made of texts that nobody has looked through: each is escaped unless it was made here. */

import { formatOf } from "../../data/images/header.ts";

/** A part of a page, as the browser is to read it. */
export class Html {
  /** @param text The markup. */
  constructor(readonly text: string) {}
}

/** What may stand in a template: lists are joined, nothing and `false` are left out, texts are escaped. */
export type Part = string | number | Html | undefined | false | readonly Part[];

/**
 * A part of a page from a template. What is put in may stand between tags and in attributes with quotes.
 */
export function html(template: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(String.raw({ raw: template }, ...parts.map(markup)));
}

function markup(part: Part): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "string") return escaped(part);
  return typeof part === "number" ? String(part) : part.map(markup).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign]);
}

/**
 * A picture that is in the page.
 * @param file Bytes of a PNG or JPEG file.
 * @param alt What those hear who do not see it.
 */
export function picture(file: Uint8Array, alt: string): Html {
  const type = formatOf(file) === "JPEG" ? "jpeg" : "png";
  return html`<img src="data:image/${type};base64,${file.toBase64()}" alt="${alt}">`;
}

/**
 * A table that scrolls by itself where the window is narrower.
 * @param head The cells of its first row.
 * @param rows What is in it.
 * @param options `kind`: its class in `style.ts`; `caption`: what stands above it.
 */
export function table(
  head: Part,
  rows: readonly Html[],
  { kind, caption }: { readonly kind?: string; readonly caption?: string } = {},
): Html {
  return html`
    <div class="wide">
      <table ${kind !== undefined && html`class="${kind}"`}>
        ${caption !== undefined && html`<caption>${caption}</caption>`}
        <thead>
          <tr>${head}</tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  `;
}

/** What is around a page: it fits a phone, and does no more than its policy allows. */
export interface Frame {
  readonly title: string;
  /** What a browser lets it load and run (CSP). */
  readonly policy: string;
  /** Its style sheet. */
  readonly style: string;
  readonly body: Html;
}

/** The text of a page that stands alone. */
export function pageText({ title, policy, style, body }: Frame): string {
  const page = html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="${policy}">
        <title>${title}</title>
        <style>${new Html(style)}</style>
      </head>
      <body>
        ${body}
      </body>
    </html>
  `;
  return page.text.trim() + "\n";
}

/** A table of facts, each with what it is about. */
export function factsTable(facts: readonly (readonly [about: string, text: Part])[]): Html {
  const rows = facts.map(([about, text]) =>
    html`
      <tr>
        <th scope="row">${about}</th>
        <td>${text}</td>
      </tr>
    `
  );
  return html`
    <table class="settings">
      <tbody>
        ${rows}
      </tbody>
    </table>
  `;
}
