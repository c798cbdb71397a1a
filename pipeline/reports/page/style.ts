/** How a report looks: by day and by night, on paper and on a phone. */

/** Colours by name. */
export type Palette = Readonly<Record<typeof COLOURS[number], string>>;

const COLOURS = [
  "paper",
  "panel",
  "ink",
  "quiet",
  "line",
  "hit",
  "miss",
  "series1",
  "series2",
  "series3",
  "series4",
] as const;

/** By day, and on paper. */
export const LIGHT: Palette = {
  paper: "#ffffff",
  panel: "#f4f5f7",
  ink: "#1b1f24",
  quiet: "#57606a",
  line: "#d5dae0",
  hit: "#2a9d6f",
  miss: "#e0653a",
  series1: "#2f6fb0",
  series2: "#c2571a",
  series3: "#2b8a5d",
  series4: "#8a4fa3",
};

/** By night. */
export const DARK: Palette = {
  paper: "#14171b",
  panel: "#1e2329",
  ink: "#e6e9ed",
  quiet: "#a3adb8",
  line: "#363d46",
  hit: "#1f8a60",
  miss: "#b84a22",
  series1: "#6aa9e9",
  series2: "#f0965a",
  series3: "#62c797",
  series4: "#c79bdc",
};

/** How much of its colour the fullest cell of a table has, in percent: what is written on it stays readable. */
export const STRONGEST = 55;

function variables(palette: Palette): string {
  return Object.entries(palette).map(([name, colour]) => `--${name}: ${colour};`).join(" ");
}

/** The style sheet. */
export const STYLE = `
:root { color-scheme: light dark; ${variables(LIGHT)} }
@media screen and (prefers-color-scheme: dark) { :root { ${variables(DARK)} } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 64rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p { margin: .5rem 0; max-width: 44rem; }
.quiet, figcaption, caption, th { color: var(--quiet); }
.headline { font-size: 3rem; line-height: 1.1; font-weight: 650; margin: 1rem 0 0; }
.headline + p { margin-top: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 1rem; }
figure { margin: 0; }
.charts svg { display: block; width: 100%; height: auto; max-width: 400px; }
figcaption { font-size: .85rem; }
table { overflow-wrap: break-word; border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; }
th { font-weight: 400; text-align: left; }
thead th { vertical-align: bottom; }
td, th { padding: .2rem .5rem .2rem 0; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; white-space: nowrap; }
.wide { overflow-x: auto; max-width: 100%; }
.confusion { border-collapse: separate; border-spacing: 1px; }
.confusion td, .confusion th { border: 0; padding: .2rem .1rem; text-align: center; min-width: 1.5rem; }
.confusion th[scope=row] { text-align: right; padding-right: .3rem; }
.confusion thead th { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left;
  vertical-align: top; padding: .3rem 0; line-height: 1; }
.beside { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
.beside > * { max-width: 100%; }
.matrix { width: min-content; }
.map { width: 36rem; }
.heat { display: block; width: 100%; height: auto; background: var(--panel); }
.classes .bar { margin: .2rem 0; }
.bar { display: block; height: .5rem; background: var(--series1); border-radius: 2px; min-width: 1px; }
.bars { width: 25%; min-width: 3rem; vertical-align: middle; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 14rem), 1fr)); gap: 1rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; }
.classes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); gap: 1rem 1.5rem;
  list-style: none; padding: 0; }
.pictures img, .classes img { display: block; width: 100%; border-radius: 3px; }
img[src^="data:image/png"] { image-rendering: pixelated; } /* small images */
.settings { width: 100%; table-layout: fixed; overflow-wrap: anywhere; }
.settings th { width: 9rem; }
.settings td, .settings th { vertical-align: top; }
pre { background: var(--panel); padding: .75rem; border-radius: 4px; white-space: pre-wrap; font-size: .85rem; }
@media (max-width: 30rem) {
  body { padding: 1rem .75rem 2rem; }
  .confusion, .results { font-size: .72rem; }
  .confusion td, .confusion th { min-width: 0; }
  .results td, .results th { padding-right: .3rem; }
  .bars { display: none; }
  .settings th { width: 6.5rem; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  figure, li, tr, pre { break-inside: avoid; }
  h2 { break-after: avoid; }
  details::details-content { content-visibility: visible; }
}
`;
