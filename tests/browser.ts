/** What a person does with a page: a browser without a window, driven by the protocol of its developer tools. */
import { assert } from "@std/assert";
import { join } from "@std/path";
import { granted } from "./needs.ts";

const names = ["chromium", "chromium-browser", "google-chrome"];

/** The browser's program, if there is one and it may be started. */
const CHROMIUM: string | undefined = granted("run", "read", "write", "env")
  ? names.flatMap((name) => (Deno.env.get("PATH") ?? "").split(":").map((dir) => join(dir, name)))
    .find((path) => isFile(path))
  : undefined;

if (CHROMIUM === undefined && granted("run")) console.log(`Without ${names[0]} no page is looked at`);

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A processor stands in for the graphics card, a made picture for the camera's. */
const ARGS = [
  "--headless",
  "--no-sandbox",
  "--no-first-run",
  "--hide-scrollbars",
  "--remote-debugging-port=0",
  "--enable-unsafe-swiftshader",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

/** Milliseconds after which what is waited for is held to come no more. */
const PATIENCE = 120_000;

/** A page in the browser. */
export interface OpenPage {
  /** What it wrote to the console, errors and refused addresses among it. */
  readonly console: readonly string[];
  /** The value of an expression, awaited if it is a promise. */
  evaluate(expression: string): Promise<unknown>;
  /** Waits for an expression to be true. */
  until(expression: string): Promise<void>;
  /** Chooses files in the page's own field for them. */
  choose(selector: string, files: readonly string[]): Promise<void>;
  /** Presses a key, such as `Tab` or `Enter`. */
  press(key: string): Promise<void>;
  /** How it looks. */
  look(): Promise<Look>;
}

/** What can be measured of how a page looks to people. */
export interface Look {
  /** Of the page in pixels; more than the window's if one has to scroll sideways. */
  readonly width: number;
  readonly dark: boolean;
  /** How many there are, and how many of them are not seen or have no text. */
  readonly pictures: number;
  readonly unseen: number;
  readonly mute: number;
  /** How many there are, and which stands out least from its ground (WCAG 2.1). */
  readonly texts: number;
  readonly least: { readonly ratio: number; readonly text: string };
}

/** Opens an address in a page of its own. */
export type Open = (address: string, view?: { width?: number; dark?: boolean }) => Promise<OpenPage>;

/** A test with a browser that reaches no network; ignored where there is none. */
export function browserTest(name: string, fn: (open: Open) => Promise<void>): void {
  Deno.test({
    name,
    ignore: CHROMIUM === undefined || !granted("net"),
    async fn() {
      const folder = await Deno.makeTempDir();
      const browser = new Deno.Command(CHROMIUM!, {
        args: [...ARGS, `--user-data-dir=${folder}`],
        stdout: "null",
        stderr: "null",
      }).spawn();
      try {
        const tools = await connect(await addressIn(folder));
        await fn((address, view) => open(tools, address, view));
        await tools.send("Browser.close");
      } catch (error) {
        browser.kill("SIGKILL");
        throw error;
      } finally {
        await browser.status;
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Where the browser's tools listen: it writes that into its folder as it starts. */
async function addressIn(folder: string): Promise<string> {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await delay()) {
    const [port, path] = await Deno.readTextFile(join(folder, "DevToolsActivePort"))
      .then((text) => text.trim().split("\n"), () => []);
    if (path !== undefined) return `ws://127.0.0.1:${port}${path}`;
  }
  throw new Error("The browser does not start");
}

const delay = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

/** The tools of a browser. */
interface Tools {
  /** Gives a command, to the browser or to one of its pages, and awaits its result. */
  send<Result>(method: string, params?: object, sessionId?: string): Promise<Result>;
  /** Hears of what happens in a page. */
  listen(sessionId: string, onEvent: (event: Event) => void): void;
}

/** What happens in a page, as far as it is looked at. */
type Event =
  | {
    readonly method: "Runtime.consoleAPICalled";
    readonly params: {
      readonly args: readonly { readonly value?: unknown; readonly description?: string }[];
    };
  }
  | { readonly method: "Runtime.exceptionThrown"; readonly params: { readonly exceptionDetails: Thrown } }
  | { readonly method: "Log.entryAdded"; readonly params: { readonly entry: { readonly text: string } } };

interface Thrown {
  readonly text: string;
  readonly exception?: { readonly description?: string };
}

async function connect(address: string): Promise<Tools> {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const answers = new Map<number, (answer: { result: never; error?: { message: string } }) => void>();
  const listeners = new Map<string, (event: Event) => void>();
  socket.onmessage = ({ data }) => {
    const { id, sessionId, ...message } = JSON.parse(data);
    if (id === undefined) listeners.get(sessionId)?.(message);
    else answers.get(id)!(message);
  };
  let last = 0;
  return {
    send(method, params, sessionId) {
      const id = ++last;
      socket.send(JSON.stringify({ id, method, params, sessionId }));
      return new Promise((resolve, reject) => {
        answers.set(id, ({ result, error }) => {
          answers.delete(id);
          if (error === undefined) resolve(result);
          else reject(new Error(`${method}: ${error.message}`));
        });
      });
    },
    listen: (sessionId, onEvent) => void listeners.set(sessionId, onEvent),
  };
}

async function open(tools: Tools, address: string, { width = 1000, dark = false } = {}): Promise<OpenPage> {
  const { targetId } = await tools.send<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await tools.send<{ sessionId: string }>("Target.attachToTarget", {
    targetId,
    flatten: true,
  });
  const send = <Result>(method: string, params: object = {}) => tools.send<Result>(method, params, sessionId);
  const console: string[] = [];
  tools.listen(sessionId, (event) => console.push(...textOf(event)));
  for (const domain of ["Runtime", "Log", "Page", "Network"]) await send(`${domain}.enable`);
  await send("Network.emulateNetworkConditions", {
    ...{ offline: true, latency: 0 },
    ...{ downloadThroughput: -1, uploadThroughput: -1 },
  });
  await send("Emulation.setDeviceMetricsOverride", {
    width,
    height: 800,
    deviceScaleFactor: 1,
    mobile: false,
  });
  await send("Emulation.setEmulatedMedia", {
    features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
  });
  await send("Page.navigate", { url: address });

  const evaluate = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails: thrown } = await send<{
      result: { value?: unknown };
      exceptionDetails?: Thrown;
    }>("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (thrown !== undefined) throw new Error(thrown.exception?.description ?? thrown.text);
    return result.value;
  };
  return {
    console,
    evaluate,
    async until(expression) {
      const end = Date.now() + PATIENCE;
      while (!await evaluate(`document.readyState === "complete" && Boolean(${expression})`)) {
        assert(
          Date.now() < end,
          `waited for ${expression}; the page: ${await evaluate("document.body.innerText")}`,
        );
        await delay();
      }
    },
    async choose(selector, files) {
      const { root } = await send<{ root: { nodeId: number } }>("DOM.getDocument");
      const { nodeId } = await send<{ nodeId: number }>("DOM.querySelector", {
        nodeId: root.nodeId,
        selector,
      });
      await send("DOM.setFileInputFiles", { nodeId, files });
    },
    async press(key) {
      const text = key === "Enter" ? "\r" : undefined;
      await send("Input.dispatchKeyEvent", {
        type: "keyDown",
        key,
        code: key,
        windowsVirtualKeyCode: KEYS[key],
        text,
      });
      await send("Input.dispatchKeyEvent", {
        type: "keyUp",
        key,
        code: key,
        windowsVirtualKeyCode: KEYS[key],
      });
    },
    look: () => evaluate(LOOK) as Promise<Look>,
  };
}

/** The numbers of keys. */
const KEYS: Readonly<Record<string, number>> = { Tab: 9, Enter: 13 };

function textOf(event: Event): string[] {
  switch (event.method) {
    case "Runtime.consoleAPICalled":
      return [event.params.args.map(({ value, description }) => value ?? description).join(" ")];
    case "Runtime.exceptionThrown":
      return [event.params.exceptionDetails.exception?.description ?? event.params.exceptionDetails.text];
    case "Log.entryAdded":
      return [event.params.entry.text];
    default:
      return []; // of what nobody asked for
  }
}

/** In the page's own words. */
const LOOK = `(() => {
  const channels = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+(e-\\d+)?/g).map(Number);
    return colour.startsWith("color(") ? [r, g, b, a] : [r / 255, g / 255, b / 255, a];
  };
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = (element) => getComputedStyle(element);
  const ground = (element) => {
    const found = style(element).backgroundColor;
    return channels(found)[3] === 0 && element.parentElement ? ground(element.parentElement) : found;
  };
  const texts = [...document.body.querySelectorAll("*:not(script)")].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ""));
  const contrasts = texts.map((element) => {
    const colour = element.closest("svg") ? style(element).fill : style(element).color;
    const [a, b] = [luminance(colour), luminance(ground(element))];
    return { ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text: element.textContent.trim() };
  });
  const least = contrasts.reduce((least, one) => one.ratio < least.ratio ? one : least);
  const pictures = [...document.images];
  return {
    width: document.documentElement.scrollWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    pictures: pictures.length,
    unseen: pictures.filter((one) => one.naturalWidth === 0).length,
    mute: [...pictures.map((one) => one.alt), ...[...document.querySelectorAll("[role=img]")]
      .map((one) => one.ariaLabel)].filter((text) => !text).length,
    texts: texts.length,
    least,
  };
})()`;
