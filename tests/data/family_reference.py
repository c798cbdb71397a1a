"""Makes the reference data of more of the family (tests/layers/networks/family_test.ts), with PyTorch.

Run:  python family_reference.py      (needs torch, torchvision, timm)

family_parameters.json          how many parameters torchvision's ResNeXts and wide ResNets, timm's ResNet-50-D and the
                                Wide ResNet-28-10 for CIFAR-10 have
state_dict_timm_resnet50d.json  the keys and shapes of one state_dict, in order
network_resnext.json            a small ResNeXt of torchvision's bottlenecks: logits, loss, gradients, statistics
network_resnet_d.json           the same of a small ResNet-D for grey images that are not square
network_wide.json               the same of a small Wide ResNet for CIFAR
"""
import json
import pathlib

import timm
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

here = pathlib.Path(__file__).parent
array = lambda t: {"shape": list(t.shape), "data": [float(f"{v:.9g}") for v in t.detach().flatten().tolist()]}
dump = lambda name, value: (here / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


def reference(model, shape, classes):
    """Values before a step of training, and what PyTorch makes of them."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                for tensor, low, high in (
                    (module.weight, 0.5, 1.5),
                    (module.bias, -0.5, 0.5),
                    (module.running_mean, -0.5, 0.5),
                    (module.running_var, 0.5, 1.5),
                ):
                    nn.init.uniform_(tensor, low, high)
    keep = lambda picked: {k: array(v) for k, v in model.state_dict().items() if picked(k)}
    x, labels = torch.randn(4, *shape), torch.arange(4) % classes
    out = {"x": array(x), "labels": labels.tolist(), "before": keep(lambda k: "tracked" not in k)}
    out["eval_logits"] = array(model.eval()(x))
    logits = model.train()(x)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    gradients = {k: array(p.grad) for k, p in model.named_parameters()}
    out |= {"train_logits": array(logits), "loss": loss.item(), "grads": gradients}
    return out | {"batch_stats_after": keep(lambda k: "running" in k)}


def conv3x3(i, o, stride=1, groups=1):
    return nn.Conv2d(i, o, 3, stride, 1, groups=groups, bias=False)


class ResNeXt(nn.Module):
    """Two stages of torchvision's bottlenecks, in 2 groups of 4 and 6 channels."""

    def __init__(self):
        super().__init__()
        block = torchvision.models.resnet.Bottleneck
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8)
        project = lambda i, o, s: nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False), nn.BatchNorm2d(o))
        cfg = {"groups": 2, "base_width": 32}
        self.layer1 = nn.Sequential(block(8, 8, 1, project(8, 32, 1), **cfg))
        self.layer2 = nn.Sequential(block(32, 12, 2, project(32, 48, 2), **cfg))
        self.fc = nn.Linear(48, 5)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(F.adaptive_avg_pool2d(self.layer2(self.layer1(x)), 1).flatten(1))


class BlockD(nn.Module):
    """A basic block whose shortcut averages (arXiv:1812.01187)."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(i, o, stride), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = conv3x3(o, o), nn.BatchNorm2d(o)
        changes = stride != 1 or i != o
        pool = [nn.AvgPool2d(stride), nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o)]
        self.downsample = nn.Sequential(*pool) if changes else nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.downsample(x))


class ResNetD(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [conv3x3(1, 3, 2), nn.BatchNorm2d(3), nn.ReLU(), conv3x3(3, 3), nn.BatchNorm2d(3), nn.ReLU(), conv3x3(3, 6)]
        self.conv1, self.bn1 = nn.Sequential(*layers), nn.BatchNorm2d(6)
        self.layer1 = nn.Sequential(BlockD(6, 6, 1))
        self.layer2 = nn.Sequential(BlockD(6, 8, 2))
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(F.adaptive_avg_pool2d(self.layer2(self.layer1(x)), 1).flatten(1))


class WideBlock(nn.Module):
    """arXiv:1605.07146, figure 1d, without dropout."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(i), conv3x3(i, o, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(o), conv3x3(o, o)
        self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False)) if i != o or stride != 1 else None

    def forward(self, x):
        active = torch.relu(self.bn1(x))
        residual = x if self.downsample is None else self.downsample(active)
        return self.conv2(torch.relu(self.bn2(self.conv1(active)))) + residual


class WideResNet(nn.Module):
    """Names are the paper's code's but for the first batch norm, which here stands behind the stem."""

    def __init__(self, n, k, classes, stem=16):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, stem, 3, 1, 1, bias=False))
        widths, before = [stem, stem * k, 2 * stem * k, 4 * stem * k], stem
        for stage, width in enumerate(widths[1:]):
            blocks = [WideBlock(before if j == 0 else width, width, 2 if stage and j == 0 else 1) for j in range(n)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            before = width
        self.bn, self.fc = nn.BatchNorm2d(before), nn.Linear(before, classes)

    def forward(self, x):
        x = self.layer2(self.layer1(self.layer0(self.conv1(x))))
        return self.fc(F.adaptive_avg_pool2d(torch.relu(self.bn(x)), 1).flatten(1))


class Renamed(nn.Module):
    """The same, with the first batch norm's entries under the name that they have in this project."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)

    def named_parameters(self, *args, **kwargs):
        return ((renamed(k), p) for k, p in self.model.named_parameters())

    def state_dict(self, *args, **kwargs):
        return {renamed(k): v for k, v in self.model.state_dict().items()}


def renamed(key):
    return key.replace("layer0.0.bn1.", "conv1.1.")


count = lambda model: sum(p.numel() for p in model.parameters())
models = torchvision.models
dump(
    "family_parameters.json",
    {name: count(getattr(models, name)()) for name in ("resnext50_32x4d", "resnext101_32x8d", "wide_resnet50_2", "wide_resnet101_2")}
    | {"resnet50d": count(timm.create_model("resnet50d")), "wide_resnet28_10": count(WideResNet(4, 10, 10))},
)
dump("state_dict_timm_resnet50d.json", [[k, list(v.shape)] for k, v in timm.create_model("resnet50d").state_dict().items()])
torch.backends.mkldnn.enabled = False
torch.manual_seed(3)
dump("network_resnext.json", reference(ResNeXt(), (3, 20, 20), 5))
dump("network_resnet_d.json", reference(ResNetD(), (1, 24, 16), 4))
dump("network_wide.json", reference(Renamed(WideResNet(1, 2, 4, stem=2)), (3, 8, 8), 4))
