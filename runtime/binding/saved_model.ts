/** TensorFlow's SavedModels: a graph and its variables, loaded from a folder into a session of their own. */
import { TensorFlowError, UserError } from "../system/errors.ts";
import { packPointers, readBuffer } from "./buffers.ts";
import { dtypeName } from "./dtypes.ts";
import type { Library } from "./library.ts";
import { packOutputs, type TfOutput } from "./symbols.ts";

const encoder = new TextEncoder();

/** A zero-terminated text. Paths and names of nodes do not recur: nothing is kept of them. */
function cText(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text + "\0");
}

/** What to load. */
export interface SavedModelSource {
  /** The folder that holds `saved_model.pb`. */
  readonly directory: string;
  /** The tags of the graph to take, all of them, e.g. `["serve"]`. */
  readonly tags: readonly string[];
  /** Bytes of a `ConfigProto`: the devices and threads of its session. */
  readonly config: Uint8Array<ArrayBuffer>;
}

/** A loaded SavedModel (`TF_Session*`, `TF_Graph*`), its variables restored. Must be closed. */
export class SavedModel implements Disposable {
  readonly #library: Library;
  readonly #directory: string;
  readonly #resources = new DisposableStack();
  readonly #graph: Deno.PointerObject;
  readonly #session: Deno.PointerObject;

  /** @throws {UserError} If there is no SavedModel in the folder, none with these tags, or it cannot be read. */
  constructor(library: Library, { directory, tags, config }: SavedModelSource) {
    this.#library = library;
    this.#directory = directory;
    const { symbols: c, status, check } = library;
    using opening = new DisposableStack(); // closes what is open if a call fails
    this.#graph = opening.adopt(c.TF_NewGraph()!, (graph) => c.TF_DeleteGraph(graph));
    const options = c.TF_NewSessionOptions();
    opening.defer(() => c.TF_DeleteSessionOptions(options));
    c.TF_SetConfig(options, config, BigInt(config.length), status);
    check("TF_SetConfig");
    const names = tags.map(cText);
    let session: Deno.PointerValue = null;
    try {
      readBuffer(library, (metaGraph) => {
        session = c.TF_LoadSessionFromSavedModel(
          options,
          null,
          cText(directory),
          packPointers(names.map((name) => Deno.UnsafePointer.of(name))),
          names.length,
          this.#graph,
          metaGraph,
          status,
        );
        check("TF_LoadSessionFromSavedModel");
      });
    } catch (error) {
      if (!(error instanceof TensorFlowError)) throw error;
      const [reason] = error.detail.split("\n");
      throw new UserError(`Cannot load the SavedModel in ${directory} with the tags ${tags}: ${reason}`, {
        cause: error,
      });
    }
    this.#session = opening.adopt(session!, (session) => {
      c.TF_CloseSession(session, status);
      c.TF_DeleteSession(session, status);
    });
    this.#resources = opening.move();
  }

  /**
   * Runs it once.
   * @param inputs Names of tensors in its graph, e.g. "serving_default_x:0"; without a number it is the node's first.
   * @param values `TF_Tensor*` of these, in the same order.
   * @param outputs Names of the tensors to compute.
   * @returns `TF_Tensor*` of these, which the caller deletes.
   * @throws {UserError} If there are more or fewer values than inputs, no such tensors, or values of another type.
   */
  run(
    inputs: readonly string[],
    values: readonly Deno.PointerObject[],
    outputs: readonly string[],
  ): Deno.PointerObject[] {
    const { symbols: c, status, check } = this.#library;
    if (inputs.length !== values.length) {
      // tfjs-node's own words, which its specs hold.
      throw new UserError(
        `Length of input op names (${inputs.length}) does not match the length of input tensors (${values.length}).`,
      );
    }
    const fed = packOutputs(inputs.map((name, i) => this.#input(name, values[i])));
    const wanted = packOutputs(outputs.map((name) => this.#tensor(name)));
    const given = packPointers(values);
    const found = new BigUint64Array(outputs.length);
    c.TF_SessionRun(
      this.#session,
      null,
      fed,
      given,
      given.length,
      wanted,
      found,
      found.length,
      null,
      0,
      null,
      status,
    );
    check("TF_SessionRun");
    return Array.from(found, (address) => Deno.UnsafePointer.create(address)!);
  }

  /** A tensor to feed, of the type that its value has. */
  #input(name: string, value: Deno.PointerObject): TfOutput {
    const { symbols: c } = this.#library;
    const input = this.#tensor(name);
    const [expected, found] = [c.TF_OperationOutputType(packOutputs([input])), c.TF_TensorType(value)];
    if (expected !== found) {
      throw new UserError(
        `Cannot run the SavedModel in ${this.#directory}: its input ${name} takes ${dtypeName(expected)}, ` +
          `got ${dtypeName(found)}; cast the tensor first`,
      );
    }
    return input;
  }

  #tensor(name: string): TfOutput {
    const { symbols: c } = this.#library;
    const [node, index = "0"] = name.split(":");
    const operation = c.TF_GraphOperationByName(this.#graph, cText(node));
    const count = operation === null ? 0 : c.TF_OperationNumOutputs(operation);
    if (/^\d+$/.test(index) && Number(index) < count) return { operation, index: Number(index) };
    throw new UserError(
      `Cannot run the SavedModel in ${this.#directory}: it has no tensor ${name}; ` +
        "tf.node.getMetaGraphsFromSavedModel lists its inputs and outputs",
    );
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
