/** Tables in plain text. */

/** One column. */
export interface Column {
  readonly title: string;
  /** "left" for names, "right" for numbers. */
  readonly align: "left" | "right";
}

/**
 * Lines of a table: titles, then the rows, two spaces between columns, no line longer than it needs to be.
 * @param rows One text a column.
 */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const lines = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => [...cells[i]].length)));
  return lines.map((cells) =>
    cells.map((cell, i) => {
      const space = " ".repeat(widths[i] - [...cell].length);
      return columns[i].align === "left" ? cell + space : space + cell;
    }).join("  ").trimEnd()
  );
}
