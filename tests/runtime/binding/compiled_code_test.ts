/** Where XLA is told to keep its code: variables of the environment, and the folders that they name. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { keepCompiledCode } from "../../../runtime/binding/compiled_code.ts";
import { granted } from "../../needs.ts";

const NAMES = ["TF_XLA_FLAGS", "XLA_FLAGS"] as const;

/** Runs `keepCompiledCode` with these variables set, and puts everything back. @returns What they are then. */
function variablesAfter(
  folder: string,
  given: Partial<Record<typeof NAMES[number], string>>,
): (string | undefined)[] {
  const before = NAMES.map((name) => Deno.env.get(name));
  const set = (values: readonly (string | undefined)[]): void =>
    NAMES.forEach((name, i) => {
      if (values[i] === undefined) Deno.env.delete(name);
      else Deno.env.set(name, values[i]);
    });
  set(NAMES.map((name) => given[name]));
  try {
    keepCompiledCode(folder);
    return NAMES.map((name) => Deno.env.get(name));
  } finally {
    set(before);
  }
}

function test(name: string, fn: (folder: string) => void): void {
  Deno.test({
    name: `keepCompiledCode: ${name}`,
    ignore: !granted("env", "read", "write"),
    fn() {
      const folder = Deno.makeTempDirSync();
      try {
        fn(join(folder, "xla"));
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  });
}

test("both variables, and the folders that they name, also when they are there", (folder) => {
  for (let time = 0; time < 2; time++) {
    assertEquals(variablesAfter(folder, {}), [
      `--tf_xla_persistent_cache_directory=${folder}/code --tf_xla_persistent_cache_device_types=GPU`,
      `--xla_gpu_per_fusion_autotune_cache_dir=${folder}/tuning`,
    ]);
    for (const part of ["code", "tuning"]) assert(Deno.statSync(join(folder, part)).isDirectory);
  }
});

test("other flags of the user's stay in front", (folder) => {
  const given = { TF_XLA_FLAGS: "--tf_xla_clustering_debug", XLA_FLAGS: "--xla_dump_to=here" };
  assertEquals(variablesAfter(folder, given), [
    `--tf_xla_clustering_debug --tf_xla_persistent_cache_directory=${folder}/code ` +
    "--tf_xla_persistent_cache_device_types=GPU",
    `--xla_dump_to=here --xla_gpu_per_fusion_autotune_cache_dir=${folder}/tuning`,
  ]);
});

test("what the user has chosen is not chosen again", (folder) => {
  const given = {
    TF_XLA_FLAGS: "--tf_xla_persistent_cache_directory=/mine",
    XLA_FLAGS: "--xla_gpu_per_fusion_autotune_cache_dir=/also/mine",
  };
  assertEquals(variablesAfter(folder, given), [
    `${given.TF_XLA_FLAGS} --tf_xla_persistent_cache_device_types=GPU`,
    given.XLA_FLAGS,
  ]);
});
