"""`deno task predict` and `deno task serve` in PyTorch: ResNet-20's weights from a file of this project, on pictures.

    python pipeline/bench/torch_predict.py folder model.safetensors photos/ --workers 2
    python pipeline/bench/torch_predict.py serve model.safetensors --port 8001 --batch 32

`folder` is torchvision's ImageFolder in a DataLoader, and prints images a second. `serve` is FastAPI under uvicorn: with
`--batch` requests are gathered for 2 ms and predicted together, without each is predicted by a thread of its own.
"""

import argparse
import asyncio
import io
import time

import torch
from PIL import Image
from safetensors.torch import load_file
from torchvision import datasets, transforms

from torch_bench import ResNet

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
VIEW = transforms.Compose([
    transforms.Resize(32),
    transforms.CenterCrop(32),
    transforms.ToTensor(),
    transforms.Normalize(MEAN, STD),
])
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def load(path, layout):
    """ResNet-20 with the weights of a file, whose names become those of torch_bench.py."""
    parts = {"conv1.0": "layers.0", "conv1.1": "layers.1", "fc": "head"}
    for block in range(9):
        for i in (1, 2):
            name = f"layer{block // 3}.{block % 3}.conv{i}"
            parts[f"{name}.0"] = f"layers.{3 + block}.conv{i}"
            parts[f"{name}.1"] = f"layers.{3 + block}.norm{i}"
    model = ResNet("resnet20")
    named = (name.rsplit(".", 1) + [tensor] for name, tensor in load_file(path).items())
    model.load_state_dict({f"{parts[layer]}.{suffix}": tensor for layer, suffix, tensor in named})
    return model.to(memory_format=layout).eval()


def folder(args, model):
    dataset = datasets.ImageFolder(args.photos, VIEW)
    start = time.perf_counter()
    loader = torch.utils.data.DataLoader(dataset, batch_size=64, num_workers=args.workers)
    right = 0
    with torch.inference_mode():
        for images, labels in loader:
            top = torch.softmax(model(images.to(memory_format=args.layout)), 1).topk(5)
            right += int((top.indices[:, 0] == labels).sum())
    seconds = time.perf_counter() - start
    print(f"{len(dataset) / seconds:.0f} images a second, {right} of {len(dataset)} right")


def serve(args, model):
    import uvicorn
    from fastapi import FastAPI, Request

    app = FastAPI()

    def view(content):
        return VIEW(Image.open(io.BytesIO(content)).convert("RGB"))

    def predict(views):
        with torch.inference_mode():
            top = torch.softmax(model(torch.stack(views).to(memory_format=args.layout)), 1).topk(5)
        return [
            [{"label": CLASSES[i], "probability": p} for p, i in zip(*row)]
            for row in zip(top.values.tolist(), top.indices.tolist())
        ]

    waiting = []

    async def gather():
        await asyncio.sleep(0.002)
        batch = [waiting.pop(0) for _ in range(min(args.batch, len(waiting)))]
        if waiting:
            asyncio.create_task(gather())
        found = await asyncio.to_thread(predict, [one for one, _ in batch])
        for (_, future), top in zip(batch, found):
            future.set_result(top)

    @app.post("/predict")
    async def answer(request: Request):
        content = await request.body()
        one = await asyncio.to_thread(view, content)
        if not args.batch:
            [top] = await asyncio.to_thread(predict, [one])
        else:
            future = asyncio.get_running_loop().create_future()
            waiting.append((one, future))
            if len(waiting) == 1:
                asyncio.create_task(gather())
            top = await future
        return {**top[0], "top": top}

    uvicorn.run(app, port=args.port, log_level="warning")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["folder", "serve"])
    parser.add_argument("model")
    parser.add_argument("photos", nargs="?")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--layout", choices=["nchw", "channels_last"], default="channels_last")
    args = parser.parse_args()
    args.layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    if args.threads:
        torch.set_num_threads(args.threads)
    model = load(args.model, args.layout)
    if args.what == "folder":
        folder(args, model)
    else:
        serve(args, model)


if __name__ == "__main__":
    main()
