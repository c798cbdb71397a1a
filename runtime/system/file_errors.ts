/** What the operating system says about files, in one line for a person. */
import { UserError } from "./errors.ts";

/** Characters of a text that holds somebody's path, which may be longer than any file's name. */
const SHOWN = 200;

/** What the operating system said, and of what, where the error is one of its own. */
export function systemError(error: unknown): { readonly said: string; readonly of?: string } | undefined {
  // Deno's message: "Permission denied (os error 13): open 'data/a.bin'".
  const message = error instanceof Error ? error.message : "";
  const [, said, of] = /^(.+?) \(os error \d+\)(?:: (.+))?$/s.exec(message) ?? [];
  return said === undefined ? undefined : { said: said.charAt(0).toLowerCase() + said.slice(1), of };
}

/**
 * Runs `work`; an error of the operating system in it becomes a `UserError`, any other stays what it is.
 *
 * @param action What was being done, e.g. `Cannot write data/a.bin`.
 * @param advice What to do about it, e.g. `choose another folder with --data`.
 * @throws {UserError} With `action: what the system said; advice`.
 */
export async function explainFileErrors<T>(
  action: string,
  advice: string,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const found = systemError(error);
    if (error instanceof UserError || found === undefined) throw error;
    throw new UserError(`${shortened(action)}: ${found.said}; ${advice}`, { cause: error });
  }
}

/** A text without its middle, where it is too long to show. */
export function shortened(text: string): string {
  const half = SHOWN / 2;
  return text.length > SHOWN ? `${text.slice(0, half)}…${text.slice(-half)}` : text;
}
