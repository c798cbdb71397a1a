/** Texts that come from a file or a person, as parts of a message. */

/** The beginning of a text that is too long to show; no half of a surrogate pair. */
export function cut(text: string, most = 40): string {
  return text.length > most ? `${text.slice(0, most).replace(/\p{Cs}$/u, "")}…` : text;
}

/** The end of a path that is too long to show: its name says more than where it begins. */
export function cutPath(path: string): string {
  return path.length > 100 ? `…${path.slice(-100).replace(/^\p{Cs}/u, "")}` : path;
}

/** A text without line ends and other characters that a terminal does not print as they are. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\ufeff]/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped !== character ? escaped : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** A text between quotes, on one line and cut: at most as long as if every character were one that is shown as it is. */
export function quote(text: string, most = 40): string {
  const escaped = oneLine(JSON.stringify(text.slice(0, most + 1)).slice(1, -1));
  return `"${cut(escaped, most)}"`;
}
