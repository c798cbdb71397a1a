/** Runs pip as a program of its own, and turns its failures into one line. */
import { join } from "@std/path";
import { UserError } from "../system/errors.ts";
import { taskCommand } from "../system/package.ts";
import type { Progress } from "../system/progress.ts";
import { CACHE_VARIABLE, LIBRARY_VARIABLE } from "./paths.ts";
import { type Distribution, requirementsFile, TENSORFLOW_MINOR } from "./platform.ts";

/** A way to call pip: the program, then its first arguments. */
export type PipCommand = readonly [string, ...string[]];

/** The ways to call pip, in the order in which they are tried. */
export const PIP_COMMANDS: readonly PipCommand[] = [
  ["python3", "-m", "pip"],
  ["pip3"],
  ["pip"],
  ["python", "-m", "pip"],
];

const RETRY = `then run "${taskCommand("setup")}" again`;
const OTHER_WAY = `or set ${LIBRARY_VARIABLE} to a folder that holds libtensorflow_cc ${TENSORFLOW_MINOR}`;

/**
 * The first of the commands that answers to `--version`.
 * @throws {UserError} If none does.
 */
export async function findPip(candidates: readonly PipCommand[] = PIP_COMMANDS): Promise<PipCommand> {
  const tried: string[] = [];
  for (const command of candidates) {
    const [program, ...args] = command;
    try {
      const { success, stderr } = await new Deno.Command(program, {
        args: [...args, "--version"],
        stdin: "null",
        stdout: "null",
      }).output();
      if (success) return command;
      tried.push(`${command.join(" ")}: ${lastLine(new TextDecoder().decode(stderr))}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) {
        throw error;
      }
      tried.push(`${command.join(" ")}: no such program`);
    }
  }
  throw new UserError(
    `Cannot install TensorFlow: found no pip (${tried.join("; ")}); install Python 3 with pip ` +
      `(on Debian "apt-get install python3-pip"), ${RETRY}, ${OTHER_WAY}`,
  );
}

/**
 * Downloads and unpacks a build's packages, each file's hash being required.
 *
 * @param staging An existing folder for pip's files.
 * @param progress Gets a bar of the bytes that have come.
 * @returns The folder of the unpacked packages.
 * @throws {UserError} If pip fails, or is interrupted.
 */
export async function downloadPackages(
  pip: PipCommand,
  { requirements, pipPlatforms, downloadBytes }: Distribution,
  staging: string,
  progress: Progress,
): Promise<string> {
  const file = join(staging, "requirements.txt");
  const packages = join(staging, "packages");
  const temporary = join(staging, "pip");
  await Deno.mkdir(temporary);
  await Deno.writeTextFile(file, requirementsFile(requirements));
  const args = [
    "install",
    "--quiet",
    "--progress-bar=off",
    // pip's cache would keep the download a second time on the disk, for an install that happens once.
    "--no-cache-dir",
    "--no-deps",
    "--no-compile",
    "--require-hashes",
    "--only-binary=:all:",
    "--implementation=cp",
    "--python-version=3.11",
    "--abi=cp311",
    ...pipPlatforms.map((tag) => `--platform=${tag}`),
    `--target=${packages}`,
    `--requirement=${file}`,
  ];
  const bar = progress.start("Downloading TensorFlow", downloadBytes, "bytes");
  let complete = false;
  const look = async (): Promise<void> => {
    if (complete) return;
    const bytes = await downloadedBytes(temporary);
    bar.update(Math.min(bytes, downloadBytes));
    if (bytes < downloadBytes) return;
    complete = true;
    bar.stop();
    progress.message("Unpacking TensorFlow");
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => looking = looking.then(look), 250);
  try {
    await runPip(pip, args, temporary);
    if (!complete) bar.update(downloadBytes);
  } finally {
    clearInterval(timer);
    await looking;
    bar.stop();
  }
  return packages;
}

/** How much pip has downloaded: it writes each wheel into a folder `pip-unpack-*` of its own. */
async function downloadedBytes(temporary: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const folder of Deno.readDir(temporary)) {
      if (!folder.name.startsWith("pip-unpack-")) continue;
      for await (const file of Deno.readDir(join(temporary, folder.name))) {
        bytes += (await Deno.stat(join(temporary, folder.name, file.name))).size;
      }
    }
  } catch (error) {
    // pip removes them as it goes.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return bytes;
}

/**
 * Runs pip and waits for it. Ctrl-C and SIGTERM are passed on to it, so that the caller can clean up after it.
 *
 * @param temporary The folder for pip's temporary files, on the disk that the packages go to.
 * @throws {UserError} If pip fails, or is interrupted.
 */
async function runPip(command: PipCommand, args: readonly string[], temporary: string): Promise<void> {
  let child: Deno.ChildProcess | undefined;
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    try {
      child?.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, interrupt);
  try {
    child = spawnPip(command, args, temporary);
    const reader = child.stderr.getReader();
    const said = readText(reader);
    const { success } = await child.status;
    // What was started may be a wrapper whose pip lives on and holds the pipe open.
    if (interrupted) await reader.cancel();
    const stderr = await said;
    if (interrupted) {
      throw new UserError(`Stopped installing TensorFlow: interrupted; run "${taskCommand("setup")}" again`);
    }
    if (!success) throw new UserError(explainFailure(command.join(" "), stderr));
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, interrupt);
  }
}

function spawnPip(command: PipCommand, args: readonly string[], temporary: string): Deno.ChildProcess {
  const [program, ...first] = command;
  return new Deno.Command(program, {
    args: [...first, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    env: {
      TMPDIR: temporary,
      PIP_DISABLE_PIP_VERSION_CHECK: "1",
      PIP_NO_INPUT: "1",
      PIP_ROOT_USER_ACTION: "ignore",
      // Settings of the user's that `--target` does not go with.
      PIP_USER: "0",
      PIP_REQUIRE_VIRTUALENV: "0",
      PYTHONIOENCODING: "utf-8",
    },
  }).spawn();
}

/** The text of a stream, up to its end or to where reading it is cancelled. */
async function readText(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += decoder.decode(read.value, { stream: true });
  }
  return text;
}

/** What pip's output gives away about a failure: the first pattern that a line of it matches. */
const CAUSES: readonly { pattern: RegExp; cause: string; remedy: string }[] = [
  {
    pattern: /^\s*Got\s+[0-9a-f]{64}|DO NOT MATCH THE HASHES/,
    cause: "the file that came has not the pinned SHA-256",
    remedy: `see with "pip config list" whether a mirror is in between, ${RETRY}`,
  },
  {
    pattern: /No space left on device|Disk quota exceeded/i,
    cause: "no space left on the disk",
    remedy: `free some, or set ${CACHE_VARIABLE} to a folder on another disk, ${RETRY}`,
  },
  {
    pattern: /Permission denied|Read-only file system|Operation not permitted/i,
    cause: "the cache folder cannot be written",
    remedy: `set ${CACHE_VARIABLE} to a folder that can, ${RETRY}`,
  },
  {
    pattern: /certificate verify failed|SSLError|CERTIFICATE_VERIFY_FAILED/i,
    cause: "the server's certificate was refused",
    remedy: `set PIP_CERT to your network's certificate file, ${RETRY}`,
  },
  {
    pattern:
      /name resolution|Name or service not known|getaddrinfo|nodename nor servname|Failed to (establish|resolve)|NewConnectionError|ConnectTimeout|Read timed out|ReadTimeout|Max retries exceeded|ProxyError|Connection (reset|refused|aborted|broken)|RemoteDisconnected|IncompleteRead|ProtocolError|Network is unreachable|HTTP error [45]\d\d/i,
    cause: "the network failed",
    remedy: `connect, ${RETRY}, ${OTHER_WAY}`,
  },
  {
    pattern: /No matching distribution|Could not find a version/i,
    cause: "pip's package index does not have it, or cannot be reached",
    remedy: `see with "pip config list" which index it asks, ${RETRY}, ${OTHER_WAY}`,
  },
  {
    pattern: /no such option|is not a supported wheel|invalid --platform/i,
    cause: "this pip is too old",
    remedy: `run "pip install --upgrade pip", ${RETRY}`,
  },
];

/** One line from what pip printed: what was attempted, what was found, what to do. */
export function explainFailure(command: string, stderr: string): string {
  const lines = stderr.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "");
  for (const { pattern, cause, remedy } of CAUSES) {
    const line = lines.findLast((line) => pattern.test(line));
    if (line !== undefined) {
      return `Cannot install TensorFlow with "${command}": ${cause} (${short(line)}); ${remedy}`;
    }
  }
  const error = lines.findLast((line) => line.startsWith("ERROR:")) ?? lines.at(-1) ?? "no message";
  return `Cannot install TensorFlow with "${command}": pip failed (${
    short(error)
  }); mend that, ${RETRY}, ${OTHER_WAY}`;
}

function lastLine(text: string): string {
  return short(text.trim().split("\n").at(-1) || "failed without a message");
}

/** A line without pip's prefixes and the insides of its objects, cut where it stops being of use. */
function short(line: string): string {
  const text = line.replace(/^(?:ERROR|WARNING): /, "").replace(/^Retrying .* after /, "").replace(
    /<[^>]*>: /g,
    "",
  );
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
