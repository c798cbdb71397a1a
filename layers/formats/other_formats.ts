/** What a file is that was taken for safetensors. */
import { quote } from "../../runtime/system/texts.ts";

/** How to make safetensors of what PyTorch saved. */
const SAVE = "save its state_dict with save_file of safetensors.torch";

/** How binary files begin that are met in the place of weights, what they are and what to do. */
const BINARY: readonly { readonly begin: string; readonly is: string }[] = [
  { begin: "PK\x03\x04", is: `it is a zip archive with a pickle, as torch.save writes it; ${SAVE}` },
  // The protocols that begin with their number, and the first instructions that pickles have.
  ...["\x02", "\x03", "\x04", "\x05"].flatMap((protocol) =>
    ["\x95", "\x8a", "}", "]", "c", "("].map((first) => ({
      begin: `\x80${protocol}${first}`,
      is: `it is a pickle, as torch.save wrote it; ${SAVE}`,
    }))
  ),
  { begin: "\x89HDF\r\n", is: "it is an HDF5 file, as Keras writes it; give one in safetensors" },
  { begin: "GGUF", is: "it is a GGUF file; give one in safetensors" },
  { begin: "\x93NUMPY", is: "it is a NumPy array; give a file in safetensors" },
  { begin: "\x1f\x8b\x08", is: "it is compressed by gzip; unpack it" },
];

/** The same of texts. */
const TEXTS: readonly { readonly begin: RegExp; readonly is: string }[] = [
  {
    begin: /^version https:\/\/git-lfs/,
    is: 'it is a Git LFS pointer, not the weights; get them with "git lfs pull"',
  },
  { begin: /^\s*<[!?a-z]/i, is: "it is a web page (HTML or XML), not the weights; download the file itself" },
  {
    begin: /^\s*\{\s*"(metadata|weight_map)"/,
    is: "it is the index of weights in several files; give one file that holds them all",
  },
];

/**
 * What a file is and what to do, as the end of a message, where it begins like something else than safetensors; of
 * another text what it says.
 */
export function otherFormat(bytes: Uint8Array): string | undefined {
  const begin = String.fromCharCode(...bytes.subarray(0, 80));
  const binary = BINARY.find((format) => begin.startsWith(format.begin));
  if (binary !== undefined) return binary.is;
  const text = begin.replace(/^\xef\xbb\xbf/, ""); // a byte order mark
  // The length of a header ends in zeros: eight characters of a text are none.
  if (!/^[\x20-\x7e\t\r\n]{8}/.test(text)) return undefined;
  const format = TEXTS.find((format) => format.begin.test(text));
  return format?.is ?? `it is a text, ${quote(text, 60)}, not the weights; get the file again`;
}
