import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { explainFailure, findPip } from "../../../runtime/install/pip.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { canInstall, inTemporary, makeProgram } from "../made_packages.ts";

// What pip 23.2 printed in each of these situations.
const OUTPUTS: [output: string, explanation: string][] = [
  [
    `ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes.
    tensorflow-cpu==2.21.0 from a.whl (from -r r.txt (line 1)):
        Expected sha256 3b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c
             Got        2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c
`,
    "the file that came has not the pinned SHA-256 (Got        2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c); ",
  ],
  [
    `WARNING: Retrying (Retry(total=1, connect=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f5>: Failed to establish a new connection: [Errno -2] Name or service not known')': /simple/tensorflow-cpu/
WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f5>: Failed to establish a new connection: [Errno -2] Name or service not known')': /simple/tensorflow-cpu/
ERROR: Could not find a version that satisfies the requirement tensorflow-cpu==2.21.0 (from versions: none)
ERROR: No matching distribution found for tensorflow-cpu==2.21.0
`,
    "the network failed (connection broken by 'NewConnectionError('Failed to establish a new connection: [Errno -2] Name or service not known')': /simple/tensorflow-cpu/); connect, ",
  ],
  [
    `ERROR: Could not find a version that satisfies the requirement tensorflow-cpu==2.21.0 (from versions: none)
ERROR: No matching distribution found for tensorflow-cpu==2.21.0
`,
    "pip's package index does not have it, or cannot be reached (No matching distribution found for tensorflow-cpu==2.21.0); ",
  ],
  [
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
    "no space left on the disk (Could not install packages due to an OSError: [Errno 28] No space left on device); free some, ",
  ],
  [
    "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/c/tensorflow'\n",
    "the cache folder cannot be written (Could not install packages due to an OSError: [Errno 13] Permission denied: '/c/tensorflow'); set RESNET_DENO_CACHE ",
  ],
  [
    "no such option: --platform\n",
    'this pip is too old (no such option: --platform); run "pip install --upgrade pip"',
  ],
  ["Traceback:\nERROR: something new\n  more\n", "pip failed (something new); "],
  ["", "pip failed (no message); "],
];

Deno.test("explainFailure: one line with pip's own words and what to do", () => {
  for (const [output, explanation] of OUTPUTS) {
    const line = explainFailure("python3 -m pip", output);
    assertStringIncludes(line, `Cannot install TensorFlow with "python3 -m pip": ${explanation}`);
    assertStringIncludes(line, 'then run "deno task setup" again');
    assert(!line.includes("\n") && !line.endsWith("."));
  }
});

Deno.test({
  name: "findPip takes the first command that answers",
  ignore: !canInstall,
  fn: () =>
    inTemporary(async (folder) => {
      const without = await makeProgram(folder, "python3", "echo 'python3: No module named pip' >&2; exit 1");
      const pip = await makeProgram(folder, "pip", `[ "$1" = --version ]`);
      const candidates = [[without, "-m", "pip"], [join(folder, "pip3")], [pip]] as const;
      assertEquals(await findPip(candidates), [pip]);
      await assertRejects(
        () => findPip(candidates.slice(0, 2)),
        UserError,
        `Cannot install TensorFlow: found no pip (${without} -m pip: python3: No module named pip; ` +
          `${join(folder, "pip3")}: no such program); install Python 3 with pip`,
      );
    }),
});
