/** Predictions over HTTP: from a request to its answer. What listens, and what predicts, is passed in. */
import type { After } from "./batch_queue.ts";
import { type Metrics, METRICS_TYPE } from "./metrics.ts";
import type { Prediction } from "./predict.ts";
import {
  checkPicture,
  picturesIn,
  readBody,
  type Refusal,
  RefusedError,
  type SentPicture,
} from "./request_pictures.ts";

/** How much a service takes on. */
export interface ServiceLimits {
  /** Bytes of a request. */
  readonly maxBytes: number;
  /** Pixels of a picture. */
  readonly maxPixels: number;
  /** Pictures that have come and are not answered yet. */
  readonly maxWaiting: number;
  /** Bytes of all requests that are not answered yet. */
  readonly maxHeldBytes: number;
  /** Milliseconds in which a request's body must come. */
  readonly maxBodyMs: number;
}

/** What is found for a picture. */
export interface Classified {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Its most probable classes, the first being what the network takes it for. */
  readonly top: readonly Prediction[];
}

/** What a service stands on. */
export interface ServiceParts {
  /**
   * Predicts a picture.
   * @throws {RefusedError} If it is damaged.
   */
  readonly classify: (picture: SentPicture) => Promise<Classified>;
  readonly limits: ServiceLimits;
  /** What `GET /healthz` says of the network. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly metrics: Metrics;
  /** Hears of errors that are not the client's. */
  readonly onError: (error: unknown) => void;
  /** The clock. */
  readonly after: After;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

/** A service that is ready to answer. */
export interface Service {
  /** Answers a request; never throws. */
  handle(request: Request): Promise<Response>;
  /**
   * No more pictures are taken, and bodies that have not come whole are not waited for; those that have are answered.
   * @returns When all requests have their answers.
   */
  stop(): Promise<void>;
}

const STATUS: Readonly<Record<Refusal, number>> = {
  no_picture: 400,
  broken_off: 400,
  too_slow: 408,
  too_many_bytes: 413,
  too_many_pixels: 413,
  too_many_pictures: 413,
  not_a_picture: 415,
  damaged: 422,
  busy: 503,
  stopping: 503,
};

/** Upper bounds of a request's seconds that are counted. */
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/**
 * A service of `POST /predict` (a picture as the body, or several as the files of a form), `GET /healthz` and `GET /metrics`.
 *
 * A picture's answer is `{ label, probability, top, width, height }`; a form's is `{ predictions }`, one for each file in
 * their order, in which a file that is refused has an `error`. What is refused as a whole is answered with a status and
 * `{ error: { code, message } }`.
 */
export function service(
  { classify, limits, about, metrics, onError, after, now }: ServiceParts,
): Service {
  const stopping = new AbortController();
  const answered = Promise.withResolvers<void>();
  let [open, waiting, held] = [0, 0, 0];
  const requests = metrics.counter("resnet_requests_total", "Requests answered, by status.", "status");
  const refused = metrics.counter(
    "resnet_refused_total",
    "Requests and pictures refused, by reason.",
    "reason",
  );
  const pictures = metrics.counter("resnet_pictures_total", "Pictures predicted.");
  const seconds = metrics.histogram("resnet_predict_seconds", "Seconds of POST /predict.", SECONDS);
  metrics.gauge("resnet_waiting_pictures", "Pictures that are not answered yet.", () => waiting);
  metrics.gauge("resnet_held_bytes", "Bytes of requests that are not answered yet.", () => held);

  /** What a refusal is told as; other errors are told as they are. */
  const refusal = (error: unknown): { code: Refusal; message: string } => {
    if (!(error instanceof RefusedError)) throw error;
    refused.add(error.code);
    return { code: error.code, message: error.message };
  };

  const predictOne = async (picture: SentPicture): Promise<Record<string, unknown>> => {
    checkPicture(picture, limits.maxPixels);
    const { width, height, top } = await classify(picture);
    pictures.add();
    const classes = top.map(({ className, probability }) => ({ label: className, probability }));
    return { ...classes[0], top: classes, width, height };
  };

  const predict = async (request: Request): Promise<Response> => {
    let mine = 0;
    const hold = (bytes: number): void => {
      if (held + bytes > limits.maxHeldBytes) throw busy("bytes of requests");
      held += bytes;
      mine += bytes;
    };
    try {
      const { signal } = stopping;
      const body = await readBody(request, { ...limits, maxMs: limits.maxBodyMs, signal, hold, after });
      const { pictures: sent, isList } = await picturesIn(
        body,
        request.headers.get("content-type") ?? "",
        limits.maxWaiting,
      );
      if (waiting + sent.length > limits.maxWaiting) throw busy("pictures");
      waiting += sent.length;
      try {
        if (!isList) return json(await predictOne(sent[0]));
        const predictions = sent.map(async (picture) => {
          const found = await predictOne(picture).catch((error) => ({ error: refusal(error) }));
          return { file: picture.name, ...found };
        });
        return json({ predictions: await Promise.all(predictions) });
      } finally {
        waiting -= sent.length;
      }
    } finally {
      held -= mine;
    }
  };

  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const route = ROUTES[pathname];
    if (route === undefined) {
      return failed(404, "not_found", `there is no ${pathname}; ${Object.keys(ROUTES).join(", ")} are`);
    }
    const { method } = request;
    if (method !== route && !(method === "HEAD" && route === "GET")) {
      return failed(405, "wrong_method", `${pathname} takes ${route}`, { allow: route });
    }
    if (pathname === "/metrics") {
      return new Response(metrics.text(), { headers: { "content-type": METRICS_TYPE } });
    }
    if (pathname === "/healthz") {
      const isStopping = stopping.signal.aborted;
      return json({ status: isStopping ? "stopping" : "ok", ...about }, {
        status: isStopping ? STATUS.stopping : 200,
      });
    }
    const start = now();
    try {
      return await predict(request);
    } catch (error) {
      const { code, message } = refusal(error);
      const status = STATUS[code];
      return failed(status, code, message, status === STATUS.busy ? { "retry-after": "1" } : {});
    } finally {
      seconds.observe((now() - start) / 1000);
    }
  };

  return {
    async handle(request) {
      open++;
      const response = await answer(request).catch((error: unknown) => {
        onError(error);
        return failed(500, "failed", "the service could not predict; its log says why");
      });
      requests.add(String(response.status));
      open--;
      if (open === 0 && stopping.signal.aborted) answered.resolve();
      return response;
    },
    stop() {
      stopping.abort();
      if (open === 0) answered.resolve();
      return answered.promise;
    },
  };
}

/** What there is, and the method that it takes. */
const ROUTES: Readonly<Record<string, string | undefined>> = {
  __proto__: null as never,
  "/predict": "POST",
  "/healthz": "GET",
  "/metrics": "GET",
};

function busy(what: string): RefusedError {
  return new RefusedError("busy", `too many ${what} are waiting; try again in a second`);
}

function failed(status: number, code: string, message: string, headers: HeadersInit = {}): Response {
  return json({ error: { code, message } }, { status, headers });
}

/** JSON in a line that ends, as it may stand in a terminal. */
function json(value: unknown, init: ResponseInit = {}): Response {
  const response = new Response(`${JSON.stringify(value)}\n`, init);
  response.headers.set("content-type", "application/json");
  return response;
}
