/** How a page that classifies looks, beside what it has of the report's style. */

/** The style sheet. */
export const PAGE_STYLE = `
[hidden] { display: none !important; }
button, input { font: inherit; color: inherit; }
button { padding: .4rem .8rem; background: var(--panel); border: 1px solid var(--quiet); border-radius: 4px; cursor: pointer; }
:focus-visible { outline: 3px solid var(--series1); outline-offset: 2px; }
.drop { margin: 1rem 0; padding: 1rem; border: 2px dashed var(--quiet); border-radius: 8px; }
.drop.over { background: var(--panel); border-color: var(--series1); }
.drop label { display: block; font-weight: 650; }
.drop input { max-width: 100%; margin: .4rem 0; }
video { display: block; width: 100%; max-width: 30rem; margin: .5rem 0; border-radius: 4px; }
#status { min-height: 1.5em; }
#answers { list-style: none; margin: 0; padding: 0; }
#answers > li { margin: 1rem 0; padding-bottom: 1rem; border-bottom: 1px solid var(--line); }
#answers .problem { padding-left: .75rem; border-left: 4px solid var(--series2); }
.answer { display: grid; grid-template-columns: minmax(0, 18rem) minmax(0, 1fr); gap: .5rem 1.5rem; }
.answer h3 { font-size: 1.5rem; line-height: 1.2; margin: 0; }
.answer ul { list-style: none; margin: .5rem 0 0; padding: 0; max-width: 26rem; }
canvas { display: block; width: 100%; height: auto; border-radius: 4px; }
.small, .test img { image-rendering: pixelated; }
.guess { display: grid; grid-template-columns: 1fr auto; gap: 0 .5rem; width: 100%; margin: .2rem 0; padding: .3rem .5rem;
  text-align: left; border-color: transparent; background: none; }
.guess[aria-pressed] { border-color: var(--line); }
.guess[aria-pressed=true] { background: var(--panel); border-color: var(--series1); }
.guess:not([aria-pressed]) { cursor: default; }
.guess .bar { grid-column: 1 / -1; }
.guess .number { font-variant-numeric: tabular-nums; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(4.5rem, 1fr)); gap: .5rem; list-style: none; padding: 0; }
.gallery li { font-size: .8rem; line-height: 1.3; text-align: center; }
.test { display: block; width: 100%; padding: 2px; }
.test img { display: block; width: 100%; border-radius: 2px; }
@media (max-width: 36rem) { .answer { grid-template-columns: minmax(0, 1fr); } .answer figure { max-width: 18rem; } }
`;
