"""Weights both ways: PyTorch -> this project -> PyTorch, with the tutorial's ResNet-34.

Run:  python docs/pytorch_weights.py      in the project's folder; needs torch, safetensors, and deno on the path

PyTorch trains for a while and saves its weights and ten batches of images; docs/pytorch_weights.ts loads the weights into its own
network, puts the first batch through it, trains ten steps with the tutorial's optimizer, and saves the weights that it
had, the logits and the losses; PyTorch loads those weights, strictly, does the same and compares.
"""
import pathlib, subprocess, sys, tempfile
import torch, torch.nn as nn, torch.nn.functional as F
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


WARM_UP, STEPS, BATCH = 80, 10, 8


def train(model, x, labels):
    """The tutorial's optimizer over the batches; the loss of each."""
    optimizer = torch.optim.SGD(model.train().parameters(), lr=0.01, weight_decay=0.001, momentum=0.9)
    losses = []
    for images, classes in zip(x.split(BATCH), labels.split(BATCH)):
        loss = F.cross_entropy(model(images), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


torch.manual_seed(0)
model = ResNet34()
labels = torch.arange((WARM_UP + STEPS) * BATCH) % 10
patterns = torch.randn(10, 3, 8, 8)[labels] + 0.5 * torch.randn(len(labels), 3, 8, 8)  # each class has its own
x = F.interpolate(patterns, size=224, mode="bilinear")
# From weights just drawn, each step multiplies a rounding by a hundred, in PyTorch too: let it learn a little first.
warm_up = WARM_UP * BATCH
print(f"PyTorch trains for {WARM_UP} steps")
train(model, x[:warm_up], labels[:warm_up])
x, labels = x[warm_up:], labels[warm_up:]
with torch.no_grad():
    logits = model.eval()(x[:BATCH])

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    save_file(model.state_dict(), folder / "from-pytorch.safetensors")
    batches = {"x": x.permute(0, 2, 3, 1).contiguous(), "labels": labels.int()}
    save_file(batches, folder / "batches.safetensors")
    script = pathlib.Path(__file__).with_suffix(".ts")
    subprocess.run(["deno", "run", "-A", str(script), str(folder), str(BATCH)], check=True)
    sent, saved, found = (load_file(folder / f"{name}.safetensors") for name in ("from-pytorch", "model", "found"))

print(model.load_state_dict(saved))  # strict: a missing or unexpected key is an error
same = all(torch.equal(value, saved[name]) for name, value in sent.items() if not name.endswith("num_batches_tracked"))
of_logits = ((found["logits"] - logits).abs().max() / logits.abs().max()).item()

losses = train(model, x, labels)
of_losses = [abs(a / b - 1) for a, b in zip(found["losses"].tolist(), losses)]

print(f"weights equal bit for bit: {same}; logits differ by {of_logits:.1e} of the largest")
print("losses:", " ".join(f"{loss:.4f}" for loss in losses))
print("differ by:", " ".join(f"{difference:.0e}" for difference in of_losses))
sys.exit(0 if same and of_logits < 1e-4 and max(of_losses) < 1e-3 else 1)
