/** How fast two processes of this machine send bytes to each other by TCP. Started by itself it is the other of the two. */
import { fromFileUrl } from "@std/path";
import { laps, type Taken, WARM_UP } from "./laps.ts";

/** Bytes of one read and one write. */
const PIECE = 2 ** 20;

/** What it takes to send bytes and hear that they have come, so many times; the processor time is that of the sender. */
export async function loopback(bytes: number, times: number): Promise<Taken> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const program = fromFileUrl(import.meta.url);
  const receiver = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program, `${listener.addr.port}`, `${bytes}`],
  }).spawn();
  const { end, taken } = laps();
  {
    using connection = await listener.accept();
    const [piece, answer] = [new Uint8Array(Math.min(PIECE, bytes)), new Uint8Array(1)];
    for (let time = 0; time < WARM_UP + times; time++) {
      for (let left = bytes; left > 0;) left -= await connection.write(piece.subarray(0, left));
      await connection.read(answer);
      end();
    }
  }
  await receiver.status;
  return taken();
}

if (import.meta.main) {
  const [port, bytes] = Deno.args.map(Number);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const piece = new Uint8Array(PIECE);
  for (let left = bytes;;) {
    const count = await connection.read(piece);
    if (count === null) break;
    left -= count;
    if (left > 0) continue;
    await connection.write(new Uint8Array(1));
    left = bytes;
  }
}
