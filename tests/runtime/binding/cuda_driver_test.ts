/** What is asked of NVIDIA's driver, with one that is made up: no driver or card is needed. */
import { assertEquals } from "@std/assert";
import { type MemoryCalls, takenMemoryMiB } from "../../../runtime/binding/cuda_driver.ts";
import { granted } from "../../needs.ts";

/** A `CUcontext` of each card, by its number. */
const CONTEXTS = [0x1000n, 0x2000n];

/** `CUresult` (cuda.h). */
const [SUCCESS, INVALID_CONTEXT] = [0, 201];

/** A driver of two cards with 80 GiB, of which 78 and 74.5 are free, and what it was asked. */
function made(code = SUCCESS): { driver: MemoryCalls; asked: string[] } {
  const asked: string[] = [];
  const current: number[] = [];
  const write = (out: unknown, value: bigint | number): void => {
    if (out instanceof Int32Array) out[0] = Number(value);
    else (out as BigUint64Array)[0] = BigInt(value);
  };
  const answer = (text: string, code = SUCCESS): number => {
    asked.push(text);
    return code;
  };
  return {
    asked,
    driver: {
      cuDeviceGet(device, ordinal) {
        write(device, ordinal);
        return SUCCESS;
      },
      cuDevicePrimaryCtxRetain(context, device) {
        write(context, CONTEXTS[device]);
        return answer(`retain ${device}`);
      },
      cuDevicePrimaryCtxRelease_v2: (device) => answer(`release ${device}`),
      cuCtxPushCurrent_v2(context) {
        current.push(CONTEXTS.indexOf(BigInt(Deno.UnsafePointer.value(context))));
        return answer(`push ${current.at(-1)}`);
      },
      cuCtxPopCurrent_v2: () => answer(`pop ${current.pop()}`),
      cuMemGetInfo_v2(free, total) {
        write(free, BigInt([78, 74.5][current.at(-1)!] * 2 ** 30));
        write(total, BigInt(80 * 2 ** 30));
        return answer("memory", code);
      },
    },
  };
}

Deno.test({
  name: "takenMemoryMiB: of the card that is asked for, whose context is current meanwhile only",
  ignore: !granted("ffi"),
  fn(): void {
    const { driver, asked } = made();
    assertEquals(takenMemoryMiB(0, driver), 2048);
    assertEquals(takenMemoryMiB(1, driver), 5632);
    const steps = [0, 1].flatMap((card) => [
      `retain ${card}`,
      `push ${card}`,
      "memory",
      `pop ${card}`,
      `release ${card}`,
    ]);
    assertEquals(asked, steps);
  },
});

Deno.test({
  name: "takenMemoryMiB: nothing where the driver does not say, and all is as before",
  ignore: !granted("ffi"),
  fn(): void {
    const { driver, asked } = made(INVALID_CONTEXT);
    assertEquals(takenMemoryMiB(1, driver), undefined);
    assertEquals(asked, ["retain 1", "push 1", "memory", "pop 1", "release 1"]);
    const refusing = { ...driver, cuDevicePrimaryCtxRetain: () => INVALID_CONTEXT };
    assertEquals(takenMemoryMiB(1, refusing), undefined);
    assertEquals(asked.length, 5);
  },
});
