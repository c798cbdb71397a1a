/** What is said of a GPU that cannot be used, on a machine that is made up: no driver, card or CUDA is needed. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type Card,
  type Driver,
  haveBfloat16,
  type Machine,
  usableGpus,
} from "../../../runtime/binding/cuda.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { Recorder } from "../../pipeline/recorder.ts";

const card: Card = { name: "NVIDIA H100", capability: 90, mode: 0 };
const driver: Driver = { cuda: 130, locked: [], cards: [card] };
const DIRECTORY = "/cache/tensorflow";

/** By log of the CUDA build's start, with the folders in which NVIDIA's packages have them. */
const PACKAGED = [
  "/cache/nvidia/cuda_runtime/lib/libcudart.so.12",
  "/cache/nvidia/cublas/lib/libcublas.so.12",
  "/cache/nvidia/cublas/lib/libcublasLt.so.12",
  "/cache/nvidia/cudnn/lib/libcudnn.so.9",
  "/cache/nvidia/cufft/lib/libcufft.so.11",
  "/cache/nvidia/cusolver/lib/libcusolver.so.11",
  "/cache/nvidia/cusparse/lib/libcusparse.so.12",
];

interface Made {
  driver?: Driver;
  /** What the loader finds. */
  files?: readonly string[];
  env?: Record<string, string>;
}

/** A machine, and the files that were tried on it. */
function made({ driver, files = ["libnvidia-ml.so.1", ...PACKAGED], env = {} }: Made): {
  machine: Machine;
  tried: string[];
} {
  const tried: string[] = [];
  return {
    tried,
    machine: {
      driver: () => driver,
      env: (name) => env[name],
      load(file) {
        tried.push(file);
        return files.includes(file) ? undefined : `${file}: cannot open shared object file`;
      },
    },
  };
}

/** What is said where nothing was asked for, without its beginning; "" if nothing is. A GPU that was asked for is refused. */
function said(options: Made): string {
  const { machine } = made(options);
  const progress = new Recorder();
  const cards = usableGpus({ progress }, machine, DIRECTORY);
  assertEquals(cards, []);
  const { message } = assertThrows(() => usableGpus({ device: "gpu" }, machine, DIRECTORY), UserError);
  const [line = ""] = progress.messages;
  assertEquals(progress.messages.length, line === "" ? 0 : 1);
  if (line === "") return message;
  const text = line.slice("Running on the CPU: ".length);
  assertEquals(line, `Running on the CPU: ${text}`);
  assertEquals(message, `Cannot use a GPU: ${text}, or leave out --device gpu`);
  return text;
}

Deno.test("usableGpus: every card, where nothing is against it, and nothing is said", () => {
  const progress = new Recorder();
  const two = { ...driver, cards: [card, { ...card, name: "NVIDIA A100", capability: 80 }] };
  const cards = [{ ordinal: 0, capability: 90 }, { ordinal: 1, capability: 80 }];
  assertEquals(usableGpus({ progress }, made({ driver: two }).machine, DIRECTORY), cards);
  assertEquals(usableGpus({ device: "gpu", progress }, made({ driver: two }).machine, DIRECTORY), cards);
  assertEquals(progress.messages, []);
});

Deno.test("usableGpus: without a driver nothing is loaded or said, but to one who asked for a GPU", () => {
  const { machine, tried } = made({});
  const progress = new Recorder();
  assertEquals(usableGpus({ progress }, machine, DIRECTORY), []);
  assertEquals([tried, progress.messages], [[], []]);
  assertThrows(
    () => usableGpus({ device: "gpu" }, machine, DIRECTORY),
    UserError,
    "Cannot use a GPU: found no NVIDIA driver (libcuda.so.1); install version 525.60.13 or newer; " +
      'a container has to be started with the card ("--gpus all"), or leave out --device gpu',
  );
});

Deno.test("usableGpus: a driver that does not start, by CUresult", () => {
  const cases: [code: number, name: string, text: string][] = [
    [
      34,
      "CUDA_ERROR_STUB_LIBRARY",
      'libcuda.so.1 is the toolkit\'s stub, not a driver; take its folder ("stubs") out of LD_LIBRARY_PATH',
    ],
    [
      100,
      "CUDA_ERROR_NO_DEVICE",
      'the driver finds no card; see what "nvidia-smi" says; ' +
      'a container has to be started with the card ("--gpus all")',
    ],
    [
      802,
      "CUDA_ERROR_SYSTEM_NOT_READY",
      "the driver is not ready yet; wait, or start nvidia-fabricmanager where cards are joined by NVSwitch",
    ],
    [
      803,
      "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
      "libcuda.so.1 and the driver's kernel module are of different versions; " +
      "start the machine anew after an update of the driver",
    ],
    [
      804,
      "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
      "libcuda.so.1 is of cuda-compat, which these cards do not support; take its folder out of LD_LIBRARY_PATH",
    ],
    [
      999,
      "CUDA_ERROR_UNKNOWN",
      'the driver does not start (CUDA_ERROR_UNKNOWN); see what "nvidia-smi" says, ' +
      'load its module with "modprobe nvidia-uvm", or start the machine anew',
    ],
    [
      805,
      "CUDA_ERROR_MPS_CONNECTION_FAILED",
      'the driver does not start: CUDA_ERROR_MPS_CONNECTION_FAILED (805); see what "nvidia-smi" says',
    ],
  ];
  for (const [code, name, text] of cases) {
    assertEquals(said({ driver: { ...driver, refusal: { code, name }, cards: [] } }), text);
  }
  assertEquals(said({ driver: { ...driver, cards: [] } }), cases[1][2], "it starts, and has no card");
});

Deno.test("usableGpus: CUDA_VISIBLE_DEVICES and files that may not be opened", () => {
  const noDevice = { code: 100, name: "CUDA_ERROR_NO_DEVICE" };
  const unknown = { code: 999, name: "CUDA_ERROR_UNKNOWN" };
  const locked = ["/dev/nvidia0", "/dev/nvidiactl"];
  const names = (visible: string): string =>
    `CUDA_VISIBLE_DEVICES="${visible}" names no card; unset it, or give it a number that "nvidia-smi -L" lists`;
  const rights =
    'this user may not open /dev/nvidia0, /dev/nvidiactl; get the right to ("ls -l /dev/nvidia*" ' +
    "shows who has it), or a card from the batch system";
  const text = (refusal: Driver["refusal"], locked: readonly string[], visible?: string): string =>
    said({
      driver: { ...driver, refusal, locked, cards: [] },
      env: visible === undefined ? {} : { CUDA_VISIBLE_DEVICES: visible },
    });
  for (const visible of ["", "-1", "NoDevFiles", "7", "GPU-0123"]) {
    assertEquals(text(noDevice, [], visible), names(visible));
  }
  assertEquals(text(noDevice, locked), rights);
  assertEquals(text(unknown, locked), rights);
  assertEquals(text(noDevice, locked, "0"), rights, "the number is not what is wrong");
  assertEquals(text(noDevice, locked, "-1"), names("-1"), "with rights there would be no card either");
  const mismatch = { code: 803, name: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" };
  assertEquals(
    text(mismatch, locked).startsWith("libcuda.so.1 and the driver's"),
    true,
    "rights do not help",
  );
});

Deno.test("usableGpus: a driver that is too old, for TensorFlow or for the card", () => {
  const old = (cuda: number, capability: number): Made => ({
    driver: { ...driver, cuda, cards: [{ ...card, capability }] },
  });
  assertEquals(
    said(old(118, 80)),
    "the driver is of CUDA 11.8, TensorFlow needs 12.0; install driver 525.60.13 or newer",
  );
  assertEquals(
    said(old(124, 90)),
    "the driver is of CUDA 12.4, NVIDIA H100 needs 12.5; install driver 555.42.02 or newer",
  );
  for (const [cuda, capability] of [[120, 60], [124, 89], [125, 90], [128, 120]]) {
    assertEquals(
      usableGpus({}, made(old(cuda, capability)).machine, DIRECTORY),
      [{ ordinal: 0, capability }],
      `${cuda} ${capability}`,
    );
  }
});

Deno.test("usableGpus: a card that is too old, taken or broken", () => {
  const text = (change: Partial<Card>): string =>
    said({ driver: { ...driver, cards: [{ ...card, ...change }] } });
  const unavailable = { code: 46, name: "CUDA_ERROR_DEVICE_UNAVAILABLE" };
  assertEquals(
    text({ name: "GeForce GTX 980", capability: 52 }),
    "GeForce GTX 980 has compute capability 5.2; TensorFlow's kernels need 6.0 or higher: take a newer card",
  );
  assertEquals(
    text({ mode: 3, refusal: unavailable }),
    'another process has NVIDIA H100 for itself; wait for its end ("nvidia-smi" shows it), ' +
      'or let them share the card with "nvidia-smi -c 0"',
  );
  assertEquals(
    text({ mode: 2, refusal: { code: 999, name: "CUDA_ERROR_UNKNOWN" } }),
    'NVIDIA H100 is closed to computing; open it with "nvidia-smi -c 0"',
  );
  assertEquals(
    text({ refusal: { code: 2, name: "CUDA_ERROR_OUT_OF_MEMORY" } }),
    'the memory of NVIDIA H100 is full; end what fills it ("nvidia-smi" shows it)',
  );
  assertEquals(
    text({ refusal: { code: 214, name: "CUDA_ERROR_ECC_UNCORRECTABLE" } }),
    'NVIDIA H100 cannot be opened: CUDA_ERROR_ECC_UNCORRECTABLE (214); see what "nvidia-smi" says',
  );
});

Deno.test("usableGpus: of several cards those that can be used; with none, the first one's reason", () => {
  const old = { ...card, name: "GeForce GTX 980", capability: 52 };
  const taken = { ...card, mode: 3, refusal: { code: 46, name: "CUDA_ERROR_DEVICE_UNAVAILABLE" } };
  const exclusive = { ...card, mode: 3 };
  const progress = new Recorder();
  const { machine } = made({ driver: { ...driver, cards: [old, card, taken, exclusive] } });
  assertEquals(
    usableGpus({ device: "gpu", progress }, machine, DIRECTORY).map(({ ordinal }) => ordinal),
    [1, 3],
  );
  assertEquals(progress.messages, []);
  assertEquals(said({ driver: { ...driver, cards: [taken, old] } }).split(" has ")[0], "another process");
});

Deno.test("haveBfloat16: from 8.0 on, and if all cards do", () => {
  const of = (...capabilities: number[]): boolean =>
    haveBfloat16(capabilities.map((capability, ordinal) => ({ ordinal, capability })));
  assertEquals([of(90), of(80), of(75), of(90, 70), of(89, 100)], [true, true, false, false, true]);
});

Deno.test("usableGpus: libraries that do not open, by name, and what brings them", () => {
  const without = (...names: string[]): readonly string[] =>
    ["libnvidia-ml.so.1", ...PACKAGED].filter((file) => !names.some((name) => file.endsWith(name)));
  assertEquals(
    said({ driver, files: without("libcudart.so.12") }),
    'libcudart.so.12 does not open; run "deno task setup --remove" and "deno task setup --gpu"',
  );
  assertEquals(
    said({ driver, files: without("libnvidia-ml.so.1", "libcudnn.so.9", "libcusolver.so.11") }),
    "libnvidia-ml.so.1, libcudnn.so.9, libcusolver.so.11 do not open; " +
      'run "deno task setup --remove" and "deno task setup --gpu"',
  );
  assertEquals(
    said({ driver, files: without("libcudnn.so.9"), env: { RESNET_TENSORFLOW_DIR: DIRECTORY } }),
    'libcudnn.so.9 does not open; unset RESNET_TENSORFLOW_DIR and run "deno task setup --gpu"',
  );
  assertEquals(
    said({ driver, files: without("libnvidia-ml.so.1") }),
    "libnvidia-ml.so.1 does not open; install the whole driver; " +
      "a container needs NVIDIA_DRIVER_CAPABILITIES=compute,utility",
  );
});

Deno.test("usableGpus: a library is looked for in LD_LIBRARY_PATH, the packages, the system, and loaded once", () => {
  const { machine, tried } = made({
    driver,
    env: { LD_LIBRARY_PATH: "/mine::/other" },
    files: ["libnvidia-ml.so.1", "/other/libcudnn.so.9", "libcusolver.so.11", ...PACKAGED.slice(0, 5)],
  });
  usableGpus({}, machine, DIRECTORY);
  const of = (name: string): string[] => tried.filter((file) => file.endsWith(name));
  assertEquals(of("libnvidia-ml.so.1"), [
    "/mine/libnvidia-ml.so.1",
    "/other/libnvidia-ml.so.1",
    "libnvidia-ml.so.1",
  ]);
  assertEquals(of("libcudnn.so.9"), ["/mine/libcudnn.so.9", "/other/libcudnn.so.9"]);
  assertEquals(of("libcufft.so.11"), ["/mine/libcufft.so.11", "/other/libcufft.so.11", PACKAGED[4]]);
  assertEquals(of("libcusolver.so.11"), [
    "/mine/libcusolver.so.11",
    "/other/libcusolver.so.11",
    "/cache/nvidia/cusolver/lib/libcusolver.so.11",
    "libcusolver.so.11",
  ]);
});

Deno.test("usableGpus: before there is a library, the driver and the cards count", () => {
  const { machine, tried } = made({ driver, files: [] });
  assertEquals([usableGpus({ device: "gpu" }, machine), tried], [[{ ordinal: 0, capability: 90 }], []]);
});
