/** TensorBoard's files of events, read without TensorFlow, and by TensorBoard itself where there is one. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import protobuf from "protobufjs";
import { granted } from "./needs.ts";

/** What TensorBoard reads: tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto. */
const event = protobuf.parse(`
syntax = "proto3";
message Event { int64 step = 2; Summary summary = 5; SessionLog session_log = 7; }
message SessionLog { int32 status = 1; }
message Summary { repeated Value value = 1; }
message Value {
  string tag = 1; optional float simple_value = 2; Image image = 4; Histogram histo = 5; Tensor tensor = 8;
  Metadata metadata = 9;
}
message Image { int32 height = 1; int32 width = 2; int32 colorspace = 3; bytes encoded_image_string = 4; }
message Histogram { double min = 1; double max = 2; double num = 3; double sum = 4; }
message Metadata { Plugin plugin_data = 1; }
message Plugin { string plugin_name = 1; }
message Tensor {
  int32 dtype = 1; Shape tensor_shape = 2; bytes tensor_content = 4; repeated float float_val = 5; repeated bytes string_val = 8;
}
message Shape { repeated Dim dim = 2; }
message Dim { int64 size = 1; }
`).root.lookupType("Event");

/** A value of a summary. */
export interface Written {
  readonly step: number;
  readonly tag: string;
  readonly simpleValue?: number;
  readonly plugin?: string;
  readonly values?: readonly number[];
  readonly text?: string;
  /** The bytes of a PNG file. */
  readonly png?: Uint8Array;
  readonly histogram?: {
    readonly min: number;
    readonly max: number;
    readonly num: number;
    readonly sum: number;
  };
}

/** CRC-32C (Castagnoli), reflected. */
function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** As records have it (tensorflow/core/lib/hash/crc32c.h): turned, and moved on. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The messages of a file: each a length (8 bytes), its sum (4), the message, its sum (4). */
function* records(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer);
  for (let at = 0, length = 0; at < bytes.length; at += length + 16) {
    length = Number(view.getBigUint64(at, true));
    const message = bytes.subarray(at + 12, at + 12 + length);
    assertEquals(view.getUint32(at + 8, true), masked(bytes.subarray(at, at + 8)));
    assertEquals(view.getUint32(at + 12 + length, true), masked(message));
    yield message;
  }
}

/**
 * The summaries in a folder's files of events, in the order of these. What a session that starts does again is gone, as in
 * TensorBoard, unless `all`.
 */
export async function readEvents(dir: string, { all = false } = {}): Promise<Written[]> {
  assertEquals(crc32c(new TextEncoder().encode("123456789")), 0xe3069283); // the polynomial's check value
  let written: Written[] = [];
  for (const name of [...Deno.readDirSync(dir)].map(({ name }) => name).sort()) {
    for (const record of records(await Deno.readFile(join(dir, name)))) {
      const { step = 0, summary, sessionLog } = event.toObject(event.decode(record), { longs: Number });
      if (sessionLog?.status === 1 && !all) written = written.filter((before) => before.step < step);
      for (const { tag, simpleValue, tensor, metadata, image, histo } of summary?.value ?? []) {
        written.push({
          step,
          tag,
          ...(simpleValue !== undefined && { simpleValue }),
          ...(metadata?.pluginData && { plugin: metadata.pluginData.pluginName }),
          ...(tensor?.tensorContent &&
            { values: [...new Float32Array(Uint8Array.from(tensor.tensorContent).buffer)] }),
          ...(tensor?.stringVal && { text: new TextDecoder().decode(tensor.stringVal[0]) }),
          ...(image && { png: image.encodedImageString }),
          ...(histo && { histogram: { min: 0, sum: 0, max: 0, ...histo } }),
        });
      }
    }
  }
  return written;
}

/** The steps that TensorBoard has of each tag, without those that it forgot. */
export type Steps = Readonly<Record<string, readonly number[]>>;

const PROGRAM = `
import json, sys
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
found = EventAccumulator(sys.argv[1], size_guidance={"tensors": 0})
found.Reload()
print(json.dumps({tag: [event.step for event in found.Tensors(tag)] for tag in found.Tags()["tensors"]}))
`;

function run(python: string, ...args: readonly string[]): Promise<Deno.CommandOutput> {
  return new Deno.Command(python, { args: [...args], stdin: "null" }).output();
}

/** A Python that has TensorBoard, if there is one and it may be started: `python3`, or the one that the bench is told. */
async function findPython(): Promise<string | undefined> {
  if (!granted("run", "read", "env")) return undefined;
  for (const python of [Deno.env.get("RESNET_PYTHON"), "python3"]) {
    const found = python && await run(python, "-c", "import tensorboard").catch(() => undefined);
    if (found && found.success) return python;
  }
  console.log("Without TensorBoard in Python no events are read by it");
}

const python = await findPython();

/** What TensorBoard itself reads in a folder; nothing where it is not. */
export async function stepsInTensorBoard(dir: string): Promise<Steps | undefined> {
  if (python === undefined) return undefined;
  const { success, stdout, stderr } = await run(python, "-c", PROGRAM, dir);
  assertEquals(success, true, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
