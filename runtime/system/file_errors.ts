/** What the operating system says about files, in one line for a person. */
import { UserError } from "./errors.ts";

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
    // Deno's message: "Permission denied (os error 13): open 'data/a.bin'".
    const said = error instanceof Error ? /^(.+?) \(os error \d+\)/.exec(error.message) : null;
    if (error instanceof UserError || said === null) throw error;
    throw new UserError(`${action}: ${said[1].charAt(0).toLowerCase()}${said[1].slice(1)}; ${advice}`, {
      cause: error,
    });
  }
}
