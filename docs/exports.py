"""Exported networks in their own readers: onnx's checker, ONNX Runtime and TensorFlow, on networks of every family.

Run:  python docs/exports.py      in the project's folder; needs numpy and deno on the path, and what is installed of
                                  onnx, onnxruntime and tensorflow

docs/exports.ts writes each network as ONNX (folded and not, with weights of 8 bits, with normalisation and softmax inside)
and as SavedModel, with three images and the logits that `apply` computes. Each file is read, run on all images and on
the last two, and compared: parts of the largest logit, or of 1 where probabilities come out.
"""
import importlib.util, json, os, pathlib, struct, subprocess, sys, tempfile
import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
HAS = {name: importlib.util.find_spec(name) is not None for name in ("onnx", "onnxruntime", "tensorflow")}


def load_arrays(path):
    """A safetensors file of float32."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    start = 8 + length
    return {
        name: np.frombuffer(data[start + part["data_offsets"][0] : start + part["data_offsets"][1]], "<f4").reshape(part["shape"])
        for name, part in header.items()
        if name != "__metadata__"
    }


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


worst = 0.0


def compare(what, run, images, expected):
    """Runs a network on all images and on some of them."""
    global worst
    scale = 1 if what.endswith("probabilities") else np.abs(expected).max()
    off = max(np.abs(run(images[i:]) - expected[i:]).max() / scale for i in (0, 1))
    worst = max(worst, off)
    return f"{what} {off:.0e}"


def run_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,), (result,) = session.get_inputs(), session.get_outputs()
    assert (given.name, result.name) in (("images", "logits"), ("images", "probabilities"))
    assert "network" in session.get_modelmeta().custom_metadata_map
    return lambda images: session.run(None, {"images": np.ascontiguousarray(images.transpose(0, 3, 1, 2))})[0]


def run_saved_model(path):
    import tensorflow as tf

    model = tf.saved_model.load(str(path))
    signature = model.signatures["serving_default"]
    return lambda images, model=model: list(signature(images=tf.constant(images)).values())[0].numpy()


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    script = pathlib.Path(__file__).with_suffix(".ts")
    subprocess.run(["deno", "run", "-A", str(script), str(folder)], check=True)
    for path in sorted(folder.iterdir()):
        arrays = load_arrays(path / "expected.safetensors")
        logits, probabilities = arrays["logits"], softmax(arrays["logits"])
        cases = [
            ("logits", arrays["images"], logits),
            ("unfolded", arrays["images"], logits),
            ("int8", arrays["images"], arrays["logits.int8"]),
            ("probabilities", arrays["pixels"], probabilities),
        ]
        results = []
        for name, images, expected in cases:
            file = path / f"{name}.onnx"
            if HAS["onnx"]:
                import onnx

                onnx.checker.check_model(str(file), full_check=True)
            if HAS["onnxruntime"]:
                results.append(compare(f"onnx {name}", run_onnx(file), images, expected))
            if HAS["tensorflow"] and (path / name).exists():
                results.append(compare(f"SavedModel {name}", run_saved_model(path / name), images, expected))
        print(f"{path.name}: {(path / 'logits.onnx').stat().st_size / 1e6:.1f} MB, {', '.join(results)}", flush=True)

missing = [name for name, there in HAS.items() if not there]
print(f"the largest difference: {worst:.0e}" + (f"; not installed: {', '.join(missing)}" if missing else ""))
sys.exit(0 if worst < 1e-4 else 1)
