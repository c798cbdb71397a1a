import { assert, assertEquals } from "@std/assert";
import { parseProcStatus, readMemory } from "../../../runtime/system/memory.ts";
import { granted } from "../../needs.ts";

const STATUS = `Name:	deno
VmPeak:	19796144 kB
VmSize:	19796144 kB
VmHWM:	  973824 kB
VmRSS:	  512000 kB
Threads:	9
`;

Deno.test("parseProcStatus reads what is resident and the peak, in MiB", () => {
  assertEquals(parseProcStatus(STATUS), { residentMiB: 500, peakMiB: 951 });
});

Deno.test("parseProcStatus of a text without them is nothing", () => {
  assertEquals(parseProcStatus(""), undefined);
  assertEquals(parseProcStatus(STATUS.replace("VmHWM", "VmOld")), undefined);
});

Deno.test({
  name: "readMemory: 64 MiB more are seen, and the peak is not below what is resident",
  ignore: !granted("read"),
  fn() {
    const before = readMemory();
    const block = new Uint8Array(64 * 2 ** 20).fill(1);
    const after = readMemory();
    assert(after.residentMiB - before.residentMiB > 60, `${before.residentMiB} to ${after.residentMiB}`);
    assert(after.peakMiB >= after.residentMiB && after.heapMiB > 0 && block[1] === 1);
  },
});
