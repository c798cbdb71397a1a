/// <reference lib="dom" />
/** The elements of a page, those that are there and new ones. */

/** The element of a name. */
export function byId(id: string): HTMLElement {
  return document.getElementById(id)!;
}

/** A new element. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]>,
  ...children: readonly Node[]
): HTMLElementTagNameMap[Tag] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
