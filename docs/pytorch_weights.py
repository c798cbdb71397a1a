"""Weights both ways: PyTorch -> this project -> PyTorch, with the tutorial's ResNet-34.

Run:  python docs/pytorch_weights.py      in the project's folder; needs torch, safetensors, and deno on the path

PyTorch draws the weights and some images and saves them; docs/pytorch_weights.ts loads the weights into its own network,
puts the images through it and saves weights and logits; PyTorch loads those weights, strictly, and compares.
"""
import pathlib, subprocess, sys, tempfile
import torch, torch.nn as nn
from safetensors.torch import load_file, save_file


def conv_norm(i, o, kernel, stride, padding, *more):
    return nn.Sequential(nn.Conv2d(i, o, kernel, stride, padding), nn.BatchNorm2d(o), *more)


class Block(nn.Module):
    """The tutorial's ResidualBlock: the names of its parts are those of the file's keys."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1 = conv_norm(i, o, 3, stride, 1, nn.ReLU())
        self.conv2 = conv_norm(o, o, 3, 1, 1)
        self.downsample = conv_norm(i, o, 1, stride, 0) if stride != 1 or i != o else None

    def forward(self, x):
        residual = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.conv2(self.conv1(x)) + residual)


class ResNet34(nn.Module):
    """The tutorial's ResNet(ResidualBlock, [3, 4, 6, 3])."""

    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = conv_norm(3, 64, 7, 2, 3, nn.ReLU())
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        before = 64
        for stage, (width, depth) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)]):
            blocks = [Block(before if k == 0 else width, width, 2 if k == 0 and stage else 1) for k in range(depth)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            before = width
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = self.maxpool(self.conv1(x))
        x = self.layer3(self.layer2(self.layer1(self.layer0(x))))
        return self.fc(x.mean((2, 3)))


torch.manual_seed(0)
model, x = ResNet34(), torch.randn(8, 3, 224, 224)
with torch.no_grad():
    model(x)  # so that the running statistics are not 0 and 1
    logits = model.eval()(x)

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    save_file(model.state_dict(), folder / "from-pytorch.safetensors")
    save_file({"x": x.permute(0, 2, 3, 1).contiguous()}, folder / "images.safetensors")
    script = pathlib.Path(__file__).with_suffix(".ts")
    subprocess.run(["deno", "run", "-A", str(script), str(folder)], check=True)

    saved = load_file(folder / "model.safetensors")
    print(model.load_state_dict(saved))  # strict: a missing or unexpected key is an error
    same = all(torch.equal(value, saved[name]) for name, value in load_file(folder / "from-pytorch.safetensors").items()
               if not name.endswith("num_batches_tracked"))
    difference = (load_file(folder / "logits.safetensors")["logits"] - logits).abs().max() / logits.abs().max()
    print(f"weights equal bit for bit: {same}; logits differ by {difference:.1e} of the largest")
    sys.exit(0 if same and difference < 1e-4 else 1)
