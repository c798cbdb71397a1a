/** How a process that used TensorFlow ends: with its own exit code and its own message, and with nothing else said. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { keepLoaded } from "../../runtime/binding/library.ts";
import { CHILD_PERMISSIONS } from "../child.ts";
import { canLoadTensorFlow } from "../needs.ts";

interface Ended {
  readonly code: number;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

const root = new URL("../..", import.meta.url);

/** Runs a script in a process of its own, at TensorFlow's own settings for logging. */
async function run(script: string): Promise<Ended> {
  const env = Deno.env.toObject();
  for (const name of Object.keys(env)) if (name.startsWith("TF_")) delete env[name];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...CHILD_PERMISSIONS, "--no-check", "--ext=ts", "-"],
    cwd: root,
    clearEnv: true,
    env: { ...env, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { code, signal, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, signal, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Convolutions with gradients, eager and jitted: TensorFlow's threads are up and have worked. */
const work = `
import { configure, conv2d, jit, tf } from "./runtime/mod.ts";
const loss = (x: tf.Tensor, k: tf.Tensor) =>
  tf.mean(tf.square(conv2d(x as tf.Tensor4D, k as tf.Tensor4D, { stride: 2, padding: 0 })));
const step = jit((x: tf.Tensor, k: tf.Tensor) => tf.grads(loss)([x, k]));
function work(): number {
  const [x, k] = [tf.ones([4, 32, 32, 6]), tf.ones([1, 1, 6, 8])];
  for (let i = 0; i < 20; i++) tf.grads(loss)([x, k]);
  return step(x, k)[1].dataSync()[0];
}
`;

const cases: { name: string; script: string; code: number; stdout: string; stderr: string | null }[] = [
  {
    name: "a good script exits with 0 and says nothing of its own",
    script: `${work} await tf.ready(); console.log(work());`,
    code: 0,
    // d mean(y^2) / dk = 2 mean(y x) / 8 = 2 * 6 / 8, for each of 8 outputs
    stdout: "1.5\n",
    stderr: null,
  },
  {
    name: "so does one that runs kernels on one thread",
    script: `${work} configure({ threads: 1, device: "cpu" }); await tf.ready(); console.log(work());`,
    code: 0,
    stdout: "1.5\n",
    stderr: null,
  },
  {
    name: "a script that throws exits with 1 and its message",
    script: `${work} await tf.ready(); work(); throw new RangeError("mine, and nobody else's");`,
    code: 1,
    stdout: "",
    stderr: "RangeError: mine, and nobody else's",
  },
  {
    name: "an error inside jit that nobody catches exits with 1 and its message",
    script: `${work} await tf.ready(); jit((x: tf.Tensor) => { x.dataSync(); return x; })(tf.ones([1]));`,
    code: 1,
    stdout: "",
    stderr: "JitError: Cannot read the value of a tensor inside jit",
  },
  {
    name: "TensorFlow's own error exits with 1 and its text",
    script: `${work} await tf.ready(); tf.matMul(tf.ones([2, 3]), tf.ones([4, 5])).dataSync();`,
    code: 1,
    stdout: "",
    stderr: "Matrix size-incompatible: In[0]: [2,3], In[1]: [4,5]",
  },
  {
    name: "a promise that rejects exits with 1 and its message",
    script: `${work} await tf.ready(); work(); Promise.reject(new Error("later"));`,
    code: 1,
    stdout: "",
    stderr: "Error: later",
  },
  {
    name: "Deno.exit gives its code",
    script: `${work} await tf.ready(); console.log(work()); Deno.exit(3);`,
    code: 3,
    stdout: "1.5\n",
    stderr: null,
  },
];

for (const { name, script, code, stdout, stderr } of cases) {
  Deno.test({
    name: `process: ${name}`,
    ignore: !canLoadTensorFlow,
    async fn() {
      const ended = await run(script);
      assertEquals({ code: ended.code, signal: ended.signal, stdout: ended.stdout }, {
        code,
        signal: null,
        stdout,
      }, ended.stderr);
      if (stderr === null) assertEquals(ended.stderr, "", "no line of TensorFlow's");
      else assertStringIncludes(ended.stderr, stderr);
    },
  });
}

Deno.test({
  name: "process: without a driver nothing is downloaded for a GPU that is asked for",
  ignore: !canLoadTensorFlow || Deno.build.os !== "linux",
  async fn() {
    if (keepLoaded("libcuda.so.1") === undefined) return; // there is one
    const folder = await Deno.makeTempDir();
    try {
      const ended = await run(`
        import { configure, tf } from "./runtime/mod.ts";
        Deno.env.delete("RESNET_TENSORFLOW_DIR");
        Deno.env.set("RESNET_DENO_CACHE", ${JSON.stringify(folder)});
        Deno.env.set("PATH", ""); // no Python, no pip
        configure({ device: "gpu" });
        await tf.ready();
      `);
      assertEquals([ended.code, ended.stdout], [1, ""]);
      assertStringIncludes(
        ended.stderr,
        "UserError: Cannot use a GPU: found no NVIDIA driver (libcuda.so.1);",
      );
      assertEquals(Array.from(Deno.readDirSync(folder)), [], "nothing is left, not even a lock");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
