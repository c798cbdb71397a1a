/** Texts that come from a file or a person, as parts of a message. */

/** The beginning of a text that is too long to show; no half of a surrogate pair. */
export function cut(text: string, most = 40): string {
  return text.length > most ? `${text.slice(0, most).replace(/\p{Cs}$/u, "")}…` : text;
}

/** The end of a path that is too long to show: its name says more than where it begins. */
export function cutPath(path: string): string {
  return path.length > 120 ? `…${path.slice(-120).replace(/^\p{Cs}/u, "")}` : path;
}

/** A text without line ends and other characters that a terminal does not print as they are. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\ufeff]/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped !== character ? escaped : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** A text between quotes, cut and on one line. */
export function quote(text: string, most?: number): string {
  return oneLine(JSON.stringify(cut(text, most)));
}
