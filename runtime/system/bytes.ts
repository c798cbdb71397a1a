/** Sizes for people, in decimal units: a kB is 1000 bytes. */

/** A size, in kB at the least: `170.1 MB`. */
export function formatBytes(bytes: number): string {
  const unit = unitOf(bytes);
  return `${inUnit(bytes, unit)} ${unit.name}`;
}

/** A part of a size, both in the unit of the whole: `68.4 of 273.8 MB`. */
export function formatPartOfBytes(part: number, whole: number): string {
  return `${inUnit(part, unitOf(whole))} of ${formatBytes(whole)}`;
}

interface Unit {
  readonly name: string;
  readonly bytes: number;
  /** Decimals that are shown. */
  readonly digits: number;
}

function unitOf(bytes: number): Unit {
  if (bytes >= 1e9) return { name: "GB", bytes: 1e9, digits: 2 };
  if (bytes >= 1e6) return { name: "MB", bytes: 1e6, digits: 1 };
  return { name: "kB", bytes: 1e3, digits: 0 };
}

function inUnit(bytes: number, unit: Unit): string {
  return (bytes / unit.bytes).toFixed(unit.digits);
}
