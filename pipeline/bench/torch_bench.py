"""The cases of `deno task bench` in PyTorch: the same networks, losses and optimizers, on images made beforehand.

Prints one line of JSON. `deno task bench --against python` runs it; by hand:

    python pipeline/bench/torch_bench.py --model resnet34 --batch 16 --size 224 --precision float32 --layout nchw

The images are normalised before the clock starts; `deno task bench` normalises them within its step.
"""

import argparse
import json
import platform
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

CIFAR_BLOCKS = {"resnet20": 3, "resnet32": 5, "resnet44": 7, "resnet56": 9, "resnet110": 18}


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut: a projection (the tutorial) or padding (He et al., option A)."""

    def __init__(self, before, after, stride, tutorial):
        super().__init__()
        self.stride, self.more = stride, after - before
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=tutorial)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=tutorial)
        self.norm2 = nn.BatchNorm2d(after)
        changes = stride != 1 or before != after
        self.projection = None
        if tutorial and changes:
            self.projection = nn.Sequential(nn.Conv2d(before, after, 1, stride), nn.BatchNorm2d(after))

    def shortcut(self, x):
        if self.projection is not None:
            return self.projection(x)
        if self.stride == 1 and self.more == 0:
            return x
        left = self.more // 2
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, left, self.more - left))

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """The tutorial's ResNet-34, or one of the CIFAR networks of He et al."""

    def __init__(self, name):
        super().__init__()
        tutorial = name == "resnet34"
        widths = (64, 128, 256, 512) if tutorial else (16, 32, 64)
        depths = (3, 4, 6, 3) if tutorial else (CIFAR_BLOCKS[name],) * 3
        first = nn.Conv2d(3, 64, 7, 2, 3) if tutorial else nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        layers = [first, nn.BatchNorm2d(widths[0]), nn.ReLU()]
        if tutorial:
            layers.append(nn.MaxPool2d(3, 2, 1))
        before = widths[0]
        for stage, (after, depth) in enumerate(zip(widths, depths)):
            for index in range(depth):
                layers.append(Block(before, after, 2 if stage > 0 and index == 0 else 1, tutorial))
                before = after
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(before, 10)

    def forward(self, x):
        return self.head(self.layers(x).mean((2, 3)))


def make_step(args):
    """One step as a function without arguments, which returns a number: the loss, or one of the logits."""
    torch.manual_seed(0)
    layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    model = ResNet(args.model).to(memory_format=layout)
    images = torch.randn(args.batch, 3, args.size, args.size).to(memory_format=layout)
    labels = torch.randint(0, 10, (args.batch,))
    decay = 1e-3 if args.model == "resnet34" else 1e-4
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=decay)
    forward = torch.compile(model) if args.compile else model

    def autocast():
        return torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bfloat16")

    def train():
        optimizer.zero_grad(set_to_none=True)
        with autocast():
            loss = F.cross_entropy(forward(images).float(), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def infer():
        with torch.inference_mode(), autocast():
            return forward(images)[0, 0].item()

    model.train(not args.inference)
    return infer if args.inference else train


def time_steps(step, seconds):
    """Milliseconds of the first step, and of each measured one: the second, which warms up, is not among them."""
    times = []
    start = None
    while len(times) < 5 or time.perf_counter() - start < seconds:
        if len(times) == 2:
            start = time.perf_counter()
        before = time.perf_counter()
        step()
        times.append((time.perf_counter() - before) * 1000)
    return times[0], times[2:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["resnet34", *CIFAR_BLOCKS], default="resnet20")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--layout", choices=["nchw", "channels_last"], default="channels_last")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--inference", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    first, times = time_steps(make_step(args), args.seconds)
    middle = statistics.median(times)
    print(json.dumps({
        "imagesPerSecond": args.batch / middle * 1000,
        "msPerStep": middle,
        "firstStepMs": first,
        "steps": len(times),
        "peakRssMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }))


if __name__ == "__main__":
    main()
