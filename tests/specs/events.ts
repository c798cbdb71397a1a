/** What a process that runs specs tells the task: one line of JSON an event, so that none is lost when it crashes. */

/** How the specs are run: as they are, or with every call of an op in them repeated in `jit`. */
export type Part = "eager" | "jit";

/** One spec begins or has ended. A spec is its file in `tfjs-core/dist` and its full name: `ops/abs_test.js: abs basic`. */
export type SpecEvent =
  | { readonly kind: "begun"; readonly spec: string }
  | { readonly kind: "passed" | "skipped"; readonly spec: string }
  | { readonly kind: "failed"; readonly spec: string; readonly message: string };

/** A call of an op that was repeated in `jit`, or its gradient, or what either left behind. */
export interface CallEvent {
  readonly kind: "call";
  /** The op, e.g. `matMul`. */
  readonly op: string;
  readonly what: "value" | "gradient" | "handles";
  /** What is wrong with it; absent if it is as it was eagerly. */
  readonly problem?: string;
  /** Its arguments, as a person may read them. */
  readonly args: string;
}

/** Any event: beside those, an error outside of a spec, and the end of all specs. */
export type Event =
  | SpecEvent
  | CallEvent
  | { readonly kind: "fault"; readonly message: string }
  | { readonly kind: "end" };
