/** Trained networks in one file: there and back, of a run, of a network of one's own; and what is wrong in others. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { decodeSafetensors, encodeSafetensors } from "../../../layers/formats/safetensors.ts";
import { fastResnet, init, type Model, residualBlock, resnet, type Variables } from "../../../layers/mod.ts";
import type { ImageSpec } from "../../../pipeline/data/dataset.ts";
import { evaluate } from "../../../pipeline/inference/evaluate.ts";
import { predict } from "../../../pipeline/inference/predict.ts";
import { readRunInfo } from "../../../pipeline/runs/folder.ts";
import { loadModel, saveModel } from "../../../pipeline/runs/model_file.ts";
import { runSession } from "../../../pipeline/runs/session.ts";
import { loadStart, loadWeights, saveWeights } from "../../../pipeline/runs/weights.ts";
import type { Recipe } from "../../../pipeline/training/recipe.ts";
import { modelFor } from "../../../pipeline/training/recipe.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { tree } from "../../../runtime/mod.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { inFolder } from "../../in_folder.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";

const normalize = { kind: "normalize", mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.1] } as const;

/** Images of 8 x 8, of four classes. */
const IMAGES: ImageSpec = {
  imageShape: [8, 8, 3],
  transforms: [normalize],
  classes: ["ant", "bee", "cow", 'd"o\u2028g'],
};

const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [2, 4], numClasses: 4 });

/** A test with a folder of its own that leaves no tensor and no handle behind. */
function test(name: string, fn: (path: string, dir: string) => Promise<void>): void {
  leakTest(`model file: ${name}`, () => inFolder((dir) => fn(join(dir, "a.safetensors"), dir)));
}

function values({ params, batchStats }: Variables): [string, readonly number[], number[]][] {
  return tree.entries({ params, batchStats }).map((
    [path, tensor],
  ): [string, readonly number[], number[]] => [path.join("/"), tensor.shape, [...tensor.dataSync()]])
    .sort(([a], [b]) => a < b ? -1 : 1);
}

test("the network, its weights and what its images are come back", async (path) => {
  const resized = [{ kind: "resize", size: 16, quantize: true }, normalize] as const;
  const grey: ImageSpec = { ...IMAGES, imageShape: [8, 10, 1], transforms: [] };
  const cases: [Model, ImageSpec][] = [
    [model, IMAGES],
    [modelFor({ kind: "resnet", depths: [1, 1], cfg: { stem: "cifar", widths: [2, 4] } }, IMAGES), IMAGES],
    [modelFor({ kind: "fast", cfg: { widths: [3], celuAlpha: 0.3 } }, IMAGES), IMAGES],
    [modelFor({ kind: "resnet", depths: [1, 1], cfg: { stem: "cifar", widths: [2, 4] } }, grey), grey],
    [fastResnet({ inputSize: 16, widths: [3, 4], numClasses: 4 }), { ...IMAGES, transforms: resized }],
    [
      resnet([1, 1], {
        inputSize: 16,
        widths: [2, 4],
        naming: "torchvision",
        block: "bottleneck",
        numClasses: 4,
      }),
      { ...IMAGES, transforms: resized },
    ],
  ];
  for (const [made, images] of cases) {
    const variables = init(made, 1);
    await saveModel(path, made, variables, images);
    const { model, variables: read, ...rest } = await loadModel(path);
    assertEquals([model.nodes, model.name, model.input], [made.nodes, made.name, made.input]);
    assertEquals(values(read), values(variables));
    assertEquals(rest, images);
    // What was loaded is saved as it was.
    const bytes = await Deno.readFile(path);
    await saveModel(path, model, read, rest);
    assertEquals(decodeSafetensors(await Deno.readFile(path)).tensors, decodeSafetensors(bytes).tensors);
    assertEquals((await loadModelThenDispose(path)).transforms, images.transforms);
    tree.dispose([variables, read]);
  }
});

/** What a file says, with no tensor left. */
async function loadModelThenDispose(
  path: string,
  options: { model?: Model } = {},
): Promise<ImageSpec & { model: Model }> {
  const { variables, ...rest } = await loadModel(path, options);
  tree.dispose(variables);
  return rest;
}

test("it is a weights file of PyTorch's names, with one text more", async (path, dir) => {
  const variables = init(model, 1);
  const augment = { kind: "augment", flip: true, crop: 1, padding: "zero" } as const;
  await saveModel(path, model, variables, { ...IMAGES, transforms: [augment, normalize] }, {
    batchesTracked: 7,
  });
  await saveWeights(join(dir, "b.safetensors"), model, variables, 7);
  const [found, plain] = await Promise.all(
    ["a", "b"].map(async (name) => decodeSafetensors(await Deno.readFile(join(dir, `${name}.safetensors`)))),
  );
  assertEquals(found.tensors, plain.tensors);
  assertEquals(Object.keys(found.metadata), ["format", "resnet-deno"]);
  assertEquals(found.metadata.format, "pt");
  // Random changes are for training.
  assertEquals(JSON.parse(found.metadata["resnet-deno"]), {
    version: 1,
    network: { kind: "resnet", depths: [1, 1], cfg: { stem: "cifar", inputSize: 8, widths: [2, 4] } },
    imageShape: [8, 8, 3],
    transforms: [{ kind: "normalize", mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.1] }],
    classes: ["ant", "bee", "cow", 'd"o\u2028g'],
  });

  const weights = await loadWeights(path, model);
  const other = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [2, 4], numClasses: 7 });
  const start = await loadStart(path, other, 0);
  assertEquals(values(weights), values(variables));
  assertEquals(start.replacedHead, 4);
  tree.dispose([variables, weights, start.variables]);
});

test("more numbers come out than there are classes: each has a name", async (path) => {
  const wide = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [2, 4], numClasses: 6 });
  const variables = init(wide, 1);
  await saveModel(path, wide, variables, IMAGES);
  const { classes, model } = await loadModelThenDispose(path);
  assertEquals(classes, [...IMAGES.classes, "class 4", "class 5"]);
  assertEquals(model.output.shape, [6]);
  tree.dispose(variables);
});

/** A recipe of 8 x 8 images that trains in no time. */
const recipe: Recipe = {
  ...recipes.resnet20,
  name: "small",
  network: { kind: "resnet", depths: [1, 1], cfg: { stem: "cifar", widths: [4, 8] } },
  training: { ...recipes.resnet20.training, epochs: 2, batchSize: 20, precision: "float32" },
};

test("the folder of a run: what it predicts is what the run has tested", async (_, dir) => {
  const data = madeData({ images: 100, testImages: 30, size: 8 });
  await runSession(data, { recipe }, { dir });
  const trained = await loadModel(dir);
  assertEquals(trained.classes, data.train.classes);
  assertEquals<unknown>(trained.transforms, recipe.transforms.slice(1)); // the first is augment
  const { correct } = evaluate(trained.model, trained.variables, {
    ...data.test!,
    transforms: trained.transforms,
  });
  const predictions = predict(trained, data.test!);
  tree.dispose(trained.variables);
  const right = predictions.filter(([{ label }], i) => label === data.test!.labels[i]);
  assertEquals([right.length, correct], [correct, (await readRunInfo(dir)).test?.correct]);
  assert(correct > 0 && correct < 30, `${correct} of 30: the test tells nothing`);
});

test("a network with a block of one's own is given to loadModel, which checks that it fits", async (path) => {
  const own = (widths: number[], numClasses = 4) =>
    resnet([1, 1], {
      stem: "cifar",
      inputSize: 8,
      widths,
      numClasses,
      block: (x, cfg) => residualBlock(x, cfg),
    });
  const variables = init(own([2, 4]), 1);
  await saveModel(path, own([2, 4]), variables, IMAGES);
  assertEquals(
    "network" in JSON.parse(decodeSafetensors(await Deno.readFile(path)).metadata["resnet-deno"]),
    false,
  );
  const { variables: read, ...rest } = await loadModel(path, { model: own([2, 4]) });
  assertEquals(values(read), values(variables));
  assertEquals(rest.classes, IMAGES.classes);
  tree.dispose([variables, read]);

  const refused = (options?: { model: Model }) => assertRejects(() => loadModel(path, options), UserError);
  assertEquals(
    (await refused()).message,
    `Cannot load ${path}: its network is one of your own, and not in the file; give it, as loadModel(path, { model })`,
  );
  assertEquals(
    (await refused({ model: own([2, 5]) })).message,
    `Cannot load ${path} into ResNet-6: "layer1.0.conv1.0.weight" has shape [4, 2, 3, 3], the network needs ` +
      "[5, 2, 3, 3]; use weights of the same network",
  );
  assertEquals(
    (await refused({ model: own([2, 4], 3) })).message,
    `Cannot load ${path}: ResNet-6 is not of its images: the images are of 4 classes, the network tells 3 apart; ` +
      "build it with numClasses: 4",
  );
  assertEquals(
    (await refused({ model: resnet([1, 1], { stem: "cifar", inputSize: 9, widths: [2, 4], numClasses: 4 }) }))
      .message,
    `Cannot load ${path}: ResNet-6 is not of its images: the images are [8,8,3] after their transforms, the network ` +
      "takes [9,9,3]; resize them, or build it with that inputSize",
  );
});

test("what does not go together is not saved", async (path, dir) => {
  const variables = init(model, 1);
  const refused = async (images: Partial<ImageSpec>) => {
    const { message } = await assertRejects(
      () => saveModel(path, model, variables, { ...IMAGES, ...images }),
      UsageError,
    );
    assertEquals([...Deno.readDirSync(dir)], []);
    return message;
  };
  assertEquals(
    await refused({ imageShape: [8, 9, 3] }),
    "Cannot save ResNet-6: the images are [8,9,3] after their transforms, the network takes [8,8,3]; " +
      "resize them, or build it with that inputSize",
  );
  assertEquals(
    await refused({ classes: [..."abcde"] }),
    "Cannot save ResNet-6: the images are of 5 classes, the network tells 4 apart; build it with numClasses: 5",
  );
  assertEquals(
    await refused({ transforms: [{ ...normalize, mean: [NaN, 0, 0] }] }),
    "Cannot save ResNet-6: transforms.0.mean.0 is null: expected a number",
  );
  tree.dispose(variables);
});

test("a file that does not say what it is of, or says what cannot be, is refused in a line", async (path) => {
  const variables = init(model, 1);
  await saveModel(path, model, variables, IMAGES);
  tree.dispose(variables);
  const { tensors, metadata } = decodeSafetensors(await Deno.readFile(path));
  const note = JSON.parse(metadata["resnet-deno"]);
  const refused = async (about: Record<string, string>, problem: string) => {
    await Deno.writeFile(path, encodeSafetensors(tensors, about));
    const { message } = await assertRejects(() => loadModel(path), UserError);
    assertEquals(message, `Cannot load ${path}: ${problem}`);
  };
  await refused(
    { format: "pt" },
    "it has weights, and says nothing of their network and its images; saveModel and training write files that do, " +
      "loadWeights reads the weights alone",
  );
  await refused(
    { "resnet-deno": JSON.stringify({ ...note, version: 2, more: true }) },
    'its metadata "resnet-deno" has version 2, 1 is read here; use a later version of this package',
  );
  const damaged: [unknown, string][] = [
    [[note], "it is a list of 1: expected an object with version"],
    [{ ...note, version: "1" }, 'version is "1": expected a whole number of at least 1'],
    [{ ...note, imageShape: [8, 8] }, "imageShape.2 is missing: expected a whole number from 1 to 16384"],
    [
      { ...note, imageShape: [8, 8, 3, 1] },
      "imageShape.3 is 1: expected a list of height, width and channels",
    ],
    [
      { ...note, imageShape: [8, 99999, 3] },
      "imageShape.1 is 99999: expected a whole number from 1 to 16384",
    ],
    [{ ...note, classes: [] }, "classes is an empty list: expected a list of at least 1"],
    [{ ...note, classes: ["a", 7] }, "classes.1 is 7: expected a text"],
    [
      { ...note, label: 1 },
      "label is not a field: there are version, network, imageShape, transforms, classes, view",
    ],
    [{ ...note, network: { kind: "vgg" } }, 'network.kind is "vgg": expected one of resnet, fast'],
    [
      { ...note, transforms: [{ ...normalize, mean: [1] }] },
      "normalize: 1 means and 3 deviations for images of 3 channels",
    ],
    [{ ...note, transforms: [normalize, normalize] }, "normalize: the images are normalised already"],
    [
      { ...note, transforms: [{ kind: "resize", size: 1e9, quantize: false }] },
      "transforms.0 makes images of more than 16384 x 16384 pixels",
    ],
  ];
  for (const [value, problem] of damaged) {
    await refused(
      { "resnet-deno": JSON.stringify(value) },
      `its metadata "resnet-deno" is damaged: ${problem}; write it again with saveModel`,
    );
  }
  const contradictory: [object, string][] = [
    [
      { network: { ...note.network, depths: [900, 1] } },
      "it says that its network has 901 blocks, and holds 32 tensors",
    ],
    [
      { network: { ...note.network, depths: [1] } },
      "Cannot build the network: resnet: each stage needs a width, found 1 depths [1] and 2 widths [2, 4]",
    ],
    [
      { transforms: [{ kind: "resize", size: 9, quantize: true }] },
      "ResNet-6 is not of its images: the images are [9,9,3] after their transforms, the network takes [8,8,3]; " +
      "resize them, or build it with that inputSize",
    ],
  ];
  for (const [changes, problem] of contradictory) {
    await refused({ "resnet-deno": JSON.stringify({ ...note, ...changes }) }, problem);
  }
  // Weights of fewer classes than are named.
  await Deno.writeFile(
    path,
    encodeSafetensors(tensors, { "resnet-deno": JSON.stringify({ ...note, classes: [..."abc"] }) }),
  );
  await assertRejects(
    () => loadModel(path),
    UserError,
    '"fc.weight" has shape [4, 4], the network needs [3, 4]',
  );
});

test("a path that is none is told as such", async (path, dir) => {
  const { message } = await assertRejects(() => loadModel(path), UserError);
  assertEquals(
    message,
    `Cannot read ${path}: no such file or directory; give the path of a safetensors file`,
  );
  await assertRejects(
    () => loadModel(dir),
    UserError,
    `Cannot read ${join(dir, "model.safetensors")}: no such file or directory`,
  );
});
