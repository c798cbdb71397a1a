/** Jasmine, for which TensorFlow.js's specs are written. */
import jasmineCore from "npm:jasmine-core@4.2.0";

/** A spec, as `it` gives it. */
export interface Spec {
  readonly id: string;
  getFullName(): string;
}

/** Something that an expectation or an error left. */
export interface Failure {
  readonly message: string;
}

/** What a reporter is told of a spec. */
export interface SpecResult {
  readonly id: string;
  readonly fullName: string;
  /** "pending" is a spec that skips itself, "excluded" one that the filter leaves out. */
  readonly status: "passed" | "failed" | "pending" | "excluded";
  readonly failedExpectations: readonly Failure[];
}

/** What a reporter is told of a suite, and at the end of all of them: errors outside of specs. */
export interface SuiteResult {
  readonly fullName?: string;
  readonly failedExpectations: readonly Failure[];
}

/** What runs the specs. */
export interface Environment {
  configure(options: { random: boolean; specFilter: (spec: Spec) => boolean }): void;
  addReporter(reporter: {
    specStarted(result: SpecResult): void;
    specDone(result: SpecResult): void;
    suiteDone(result: SuiteResult): void;
    jasmineDone(result: SuiteResult): void;
  }): void;
  execute(): Promise<unknown>;
}

/** The names that specs take from the global scope, of which the task uses these itself. */
export interface Interface {
  readonly jasmine: { DEFAULT_TIMEOUT_INTERVAL: number; getEnv(): Environment };
  it(...args: unknown[]): Spec;
  xit(...args: unknown[]): Spec;
}

/** Jasmine's names, not yet global. */
export const jasmineInterface: Interface = jasmineCore.noGlobals();

/** The same of the module that `jasmine_util.js` of tfjs-core asks for by its path. */
export const jasmineModule: unknown = jasmineCore;
