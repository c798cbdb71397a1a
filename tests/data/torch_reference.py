"""Makes the reference data of tests/layers, tests/runtime/ops/loss_test.ts (class weights),
tests/pipeline/training/optimizer_test.ts (AdamW) and tests/pipeline/runs/pytorch_weights_test.ts, with PyTorch and NumPy.

Run:  python torch_reference.py TUTORIAL.md      (needs torch, torchvision, numpy, torchsummary 1.5.1, safetensors)

TUTORIAL.md is the text of the tutorial "Writing ResNet from Scratch in PyTorch"; its classes ResidualBlock and ResNet
are taken from there and run as they stand. Everything is written beside this file:

torchsummary_resnet34.txt   what torchsummary prints for the tutorial's network
state_dict_resnet34.json    the keys and shapes of its state_dict, in order
init_values.json            the first initial weights of a few parameters, by the rules in layers/readers/random.ts
layers.json                 outputs of single layers
celu.json                   CELU and its gradient
class_weights.json          the weighted cross-entropy, smoothed or not, and its gradient
adamw.json                  five steps of AdamW over a grid of settings
network_cifar.json          a small ResNet for CIFAR with option-A shortcuts: logits, loss, gradients, statistics
network_fast.json           the same of a small network like the fast recipe's
tiny.safetensors            four small tensors, written by the Python package
torchvision_parameters.json                 how many parameters torchvision's ResNets have
state_dict_torchvision_resnet{18,50}.json   the keys and shapes of two of its state_dicts, in order
torchsummary_torchvision_resnet{34,50}.txt  what torchsummary prints for two of them
network_bottleneck.json     a small network of torchvision's bottleneck blocks, as network_cifar.json
network_preactivation.json  a small network of pre-activation blocks, as network_cifar.json
network_squeeze.json        a small network with torchvision's squeeze and excitation, as network_cifar.json
autocast.json               a training step of a small ResNet under autocast to bfloat16, and how far it is off float32
tutorial_narrow.safetensors the weights of the tutorial's classes at a sixteenth of their width
tutorial_narrow.json        their logits, and the losses of ten SGD steps from there
"""
import contextlib, io, json, math, pathlib, re, sys
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F, torchvision
from safetensors.torch import load_file, save_file
from torchsummary import summary

here = pathlib.Path(__file__).parent
dump = lambda name, value: (here / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")
array = lambda t: {"shape": list(t.shape), "data": [float(v) for v in t.detach().flatten().tolist()]}

# The tutorial's own classes.
text = pathlib.Path(sys.argv[1]).read_text()
for name in ("ResidualBlock", "ResNet"):
    exec(re.search(rf"^class {name}\(nn\.Module\):\n(?:[ \t]+.*\n|\s*\n)+", text, re.M).group(0))
resnet34 = ResNet(ResidualBlock, [3, 4, 6, 3])

printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    summary(resnet34, (3, 224, 224), device="cpu")
(here / "torchsummary_resnet34.txt").write_text(printed.getvalue())
dump("state_dict_resnet34.json", [[k, list(v.shape)] for k, v in resnet34.state_dict().items()])

# Initial weights: FNV-1a and MurmurHash3's finalizer over "seed:name" seed NumPy's MT19937.
def draws(seed, name, n):
    h = 0x811C9DC5
    for byte in f"{seed}:{name}".encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    h = ((h ^ h >> 16) * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ h >> 13) * 0xC2B2AE35) & 0xFFFFFFFF
    return np.random.RandomState(h ^ h >> 16).randint(0, 2**32, n, dtype=np.uint64)

def uniform(seed, name, n, fan_in):
    return np.float32(((draws(seed, name, n) >> np.uint64(8)).astype(float) / 2**23 - 1) / math.sqrt(fan_in))

def normal(seed, name, n, fan_in):
    u = draws(seed, name, n).astype(float)
    radius = math.sqrt(2 / fan_in) * np.sqrt(-2 * np.log((u[0::2] + 1) / 2**32))
    angle = 2 * np.pi * u[1::2] / 2**32
    return np.float32(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel())

dump("init_values.json", [
    {"seed": seed, "name": name, "scheme": scheme, "values": [float(v) for v in rule(seed, name, 6, fan_in)]}
    for seed in (0, 42, 2**32 - 1)
    for name, fan_in in (("conv1.0.weight", 27), ("layer0.0.conv1.0.weight", 144), ("fc.weight", 64))
    for scheme, rule in (("pytorch", uniform), ("heNormal", normal))
])

# Single layers: flatten then linear, He's option A, the fast network's tail.
torch.manual_seed(0)
x = torch.randn(2, 3, 4, 5)
fc = nn.Linear(60, 3)
y = torch.randn(2, 4, 5, 5)
dp = torch.randn(2, 7, 3, 3)
y.requires_grad_()
padded = F.pad(y[:, :, ::2, ::2], (0, 0, 0, 0, 1, 2))
padded.backward(dp)
dump("layers.json", {
    "flatten_linear": {"x": array(x), "weight": array(fc.weight), "bias": array(fc.bias), "y": array(fc(x.flatten(1)))},
    "pad_shortcut": {"x": array(y), "y": array(padded), "dy": array(dp), "dx": array(y.grad)},
})

x = torch.randn(3, 5, generator=torch.Generator().manual_seed(3)).requires_grad_()
dy = torch.randn(3, 5, generator=torch.Generator().manual_seed(4))
y = F.celu(x, 0.3)
y.backward(dy)
dump("celu.json", {"alpha": 0.3, "x": array(x), "y": array(y), "dy": array(dy), "dx": array(x.grad)})

# Cross-entropy with class weights. One label is missing, one is there once.
logits = (3 * torch.randn(6, 5, generator=torch.Generator().manual_seed(5))).requires_grad_()
labels, weight = torch.tensor([2, 0, 2, 4, 1, 2]), torch.tensor([0.25, 1.5, 0.75, 2, 4])
weighted = []
for smoothing in (0, 0.1, 0.6):
    loss = nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)(logits, labels)
    weighted.append({"label_smoothing": smoothing, "loss": loss.item(), "dlogits": array(torch.autograd.grad(loss, logits)[0])})
dump("class_weights.json", {
    "logits": array(logits), "labels": labels.tolist(), "weights": weight.tolist(), "cases": weighted,
})

# AdamW. The gradients of single values are tiny, large, zero at first, zero at last, zero now and then, always zero. One
# case has another rate at each step, as a schedule with a warm-up does.
START = {"matrix": [[0.5, -1.25], [2, 0.001], [-0.03, 0]], "vector": [1, -0.75, 0.2, 3]}
GRADS = [
    {"matrix": [[1e-6, -10], [0, 0.5], [-0.02, 3e-4]], "vector": [0, 2, -1e-3, 0.3]},
    {"matrix": [[3e-6, 4], [0, -0.25], [0.05, -2e-4]], "vector": [0, 1e-5, 8e-3, 0.2]},
    {"matrix": [[-2e-6, 0.7], [1.5, 2], [0, 1e-3]], "vector": [0, -5, 0, -0.4]},
    {"matrix": [[5e-6, -6], [-0.3, 0], [0.4, -7e-6]], "vector": [0, 0.6, 2e-5, 0]},
    {"matrix": [[1e-6, 9], [0.08, 0], [-1.2, 0.03]], "vector": [0, 0, -4, 1e-4]},
]
float32 = lambda values: torch.tensor(values, dtype=torch.float32)
digits = lambda t: {"shape": list(t.shape), "data": [float(f"{v:.9g}") for v in t.detach().flatten().tolist()]}
record = lambda tensors: {name: digits(t) for name, t in tensors.items()}

def adamw(rates, betas, eps, weight_decay):
    params = {name: nn.Parameter(float32(values)) for name, values in START.items()}
    optimizer = torch.optim.AdamW(params.values(), lr=rates[0], betas=betas, eps=eps, weight_decay=weight_decay)
    by_hand = {name: (p.detach().double().numpy(), 0, 0) for name, p in params.items()}
    steps = []
    for t, (rate, grads) in enumerate(zip(rates, GRADS), 1):
        optimizer.param_groups[0]["lr"] = rate
        for name, param in params.items():
            param.grad = float32(grads[name])
        optimizer.step()
        steps.append(record(params))
        moments = {key: {name: optimizer.state[p][key] for name, p in params.items()} for key in ("exp_avg", "exp_avg_sq")}
        for name, param in params.items():  # the same written out, in float64
            p, m, v = by_hand[name]
            g = param.grad.double().numpy()
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g**2
            p = (1 - rate * weight_decay) * p - rate * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
            by_hand[name] = p, m, v
            np.testing.assert_allclose(param.detach(), p, rtol=0, atol=1e-6)
            np.testing.assert_allclose(moments["exp_avg"][name], m, rtol=0, atol=1e-6)
            np.testing.assert_allclose(moments["exp_avg_sq"][name], v, rtol=1e-6, atol=0)
    return {"lr": rates, "betas": betas, "eps": eps, "weight_decay": weight_decay, "steps": steps} | {
        key: record(tensors) for key, tensors in moments.items()
    }

dump("adamw.json", {
    "torch": torch.__version__.split("+")[0],
    "params": record({name: float32(values) for name, values in START.items()}),
    "grads": [record({name: float32(values) for name, values in grads.items()}) for grads in GRADS],
    "cases": [
        adamw([lr] * 5, betas, eps, weight_decay)
        for lr in (0.001, 0.1) for betas in ((0.9, 0.999), (0.8, 0.95)) for eps in (1e-8, 1e-3) for weight_decay in (0, 0.05)
    ] + [adamw([0, 0.1, 0.05, 0.02, 0.001], (0.9, 0.999), 1e-8, 0.05)],
})

# Two small whole networks, in the form of golden/network.json. Modules have the names that the model gives them.
class PadShortcut(nn.Module):
    def __init__(self, extra, stride):
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.extra // 2, self.extra - self.extra // 2))

class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())
        self.conv2 = nn.Sequential(nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o))
        self.downsample = PadShortcut(o - i, stride)

    def forward(self, x):
        return torch.relu(self.conv2(self.conv1(x)) + self.downsample(x))

class Cifar(nn.Module):
    def __init__(self, widths, classes):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        for k, (i, o) in enumerate(zip(widths[:1] + widths, widths)):
            setattr(self, f"layer{k}", nn.Sequential(Block(i, o, 2 if k else 1)))
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, x):
        x = self.layer2(self.layer1(self.layer0(self.conv1(x))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))

class Stage(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        conv = lambda i: nn.Conv2d(i, o, 3, 1, 1, bias=False)
        self.conv1 = nn.Sequential(conv(i), nn.MaxPool2d(2), nn.BatchNorm2d(o), nn.ReLU())
        self.conv2 = nn.Sequential(conv(o), nn.BatchNorm2d(o), nn.ReLU())

    def forward(self, x):
        x = self.conv1(x)
        return x + self.conv2(x)

class Fast(nn.Module):
    def __init__(self, stem, widths, classes, scale):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, stem, 2), nn.ReLU())
        self.stages = nn.Sequential(*[Stage(i, o) for i, o in zip([stem] + widths, widths)])
        self.fc = nn.Linear(widths[-1], classes, bias=False)
        self.scale = scale

    def forward(self, x):
        return self.fc(self.stages(self.stem(x)).amax((2, 3))) * self.scale

def reference(model, size, classes):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in ((module.weight, 0.5, 1.5), (module.bias, -0.5, 0.5), (module.running_mean, -0.5, 0.5), (module.running_var, 0.5, 1.5)):
                nn.init.uniform_(tensor, low, high)
    keep = lambda picked: {k: array(v) for k, v in model.state_dict().items() if picked(k)}
    x, labels = torch.randn(4, 3, size, size), torch.arange(4) % classes
    out = {"x": array(x), "labels": labels.tolist(), "before": keep(lambda k: "tracked" not in k)}
    out["eval_logits"] = array(model.eval()(x))
    logits = model.train()(x)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    out |= {"train_logits": array(logits), "loss": loss.item(), "grads": {k: array(p.grad) for k, p in model.named_parameters()}}
    return out | {"batch_stats_after": keep(lambda k: "running" in k)}

dump("network_cifar.json", reference(Cifar([3, 4, 7], 5), 9, 5))
dump("network_fast.json", reference(Fast(5, [4, 6, 7], 3, 0.125), 20, 3))

save_file(
    {
        "fc.weight": torch.tensor([[1.5, -2.0, 3.25], [0.0, 1e-30, -4.0]]),
        "bn.num_batches_tracked": torch.tensor(2**40 + 1),
        "labels": torch.tensor([1, 2, 255], dtype=torch.uint8),
        "order": torch.tensor([7, -8], dtype=torch.int32),
        "bn.weight": torch.tensor([1.0, 0.5]),
    },
    here / "tiny.safetensors",
    metadata={"format": "pt"},
)

# torchvision's family: keys and shapes of two state_dicts, the size of all, a table.
counts = {}
for depth in (18, 34, 50, 101, 152):
    model = getattr(torchvision.models, f"resnet{depth}")()
    counts[f"resnet{depth}"] = sum(p.numel() for p in model.parameters())
    if depth in (18, 50):
        dump(f"state_dict_torchvision_resnet{depth}.json", [[k, list(v.shape)] for k, v in model.state_dict().items()])
    if depth in (34, 50):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            summary(model, (3, 224, 224), device="cpu")
        (here / f"torchsummary_torchvision_resnet{depth}.txt").write_text(printed.getvalue())
dump("torchvision_parameters.json", counts)

# torchvision's own Bottleneck in a small network, and a network of pre-activation blocks.
class SmallBottlenecks(nn.Module):
    def __init__(self, widths, depths, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        before = widths[0]
        for k, (width, depth) in enumerate(zip(widths, depths)):
            blocks = []
            for i in range(depth):
                stride, after = (2 if k and not i else 1), 4 * width
                project = stride != 1 or before != after
                downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)) if project else None
                blocks.append(torchvision.models.resnet.Bottleneck(before, width, stride, downsample))
                before = after
            setattr(self, f"layer{k + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(before, classes)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(F.adaptive_avg_pool2d(self.layer2(self.layer1(x)), 1).flatten(1))

class PreActivation(nn.Module):
    def __init__(self, i, o, stride, activated):
        super().__init__()
        self.bn1 = None if activated else nn.BatchNorm2d(i)
        self.conv1 = nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(o)
        self.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False)) if stride != 1 or i != o else None

    def forward(self, x):
        active = x if self.bn1 is None else torch.relu(self.bn1(x))
        residual = x if self.downsample is None else self.downsample(active)
        return self.conv2(torch.relu(self.bn2(self.conv1(active)))) + residual

class SmallPreActivations(nn.Module):
    def __init__(self, widths, classes):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        self.layer0 = nn.Sequential(PreActivation(widths[0], widths[0], 1, True), PreActivation(widths[0], widths[0], 1, False))
        self.layer1 = nn.Sequential(PreActivation(widths[0], widths[1], 2, False))
        self.bn = nn.BatchNorm2d(widths[1])
        self.fc = nn.Linear(widths[1], classes)

    def forward(self, x):
        x = torch.relu(self.bn(self.layer1(self.layer0(self.conv1(x)))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))

class Squeezed(nn.Module):
    def __init__(self, i, o, stride, squeezed):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())
        self.conv2 = nn.Sequential(nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o))
        self.se = torchvision.ops.SqueezeExcitation(o, squeezed)
        self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)) if stride != 1 else None

    def forward(self, x):
        residual = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.se(self.conv2(self.conv1(x))) + residual)

class SmallSqueezes(nn.Module):
    def __init__(self, widths, classes):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        self.layer0 = nn.Sequential(Squeezed(widths[0], widths[0], 1, 2))
        self.layer1 = nn.Sequential(Squeezed(widths[0], widths[1], 2, 2))
        self.fc = nn.Linear(widths[1], classes)

    def forward(self, x):
        x = self.layer1(self.layer0(self.conv1(x)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))

torch.manual_seed(1)
dump("network_bottleneck.json", reference(SmallBottlenecks([2, 3], [2, 1], 5), 24, 5))
dump("network_preactivation.json", reference(SmallPreActivations([3, 5], 4), 9, 4))
dump("network_squeeze.json", reference(SmallSqueezes([4, 6], 4), 9, 4))

# A training step under autocast, from the weights that this project draws (its layouts, seed 0). The images are noise, a
# class a shade brighter than the one before.
def autocast(model, images, size, classes):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() > 1:
                ours, theirs = ((2, 3, 1, 0), (3, 2, 0, 1)) if p.dim() == 4 else ((1, 0), (1, 0))
                drawn = torch.tensor(normal(0, name, p.numel(), p[0].numel()))
                p.copy_(drawn.reshape(p.permute(ours).shape).permute(theirs))
            elif name == "fc.bias":
                p.zero_()
    labels = torch.arange(images) % classes
    pixels = torch.tensor((draws(0, "images", images * size * size * 3) >> np.uint64(24)).astype(np.float32))
    x = pixels.reshape(images, size, size, 3).permute(0, 3, 1, 2) / 128 - 1 + labels.reshape(-1, 1, 1, 1) / 4

    def step(half):
        model.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits = model(x)
        loss = F.cross_entropy(logits.float(), labels)
        loss.backward()
        return loss.item(), {"logits": logits.detach().float()} | {k: p.grad.clone() for k, p in model.named_parameters()}

    rms = lambda t: t.square().mean().sqrt().item()
    short = lambda t: {"shape": list(t.shape), "data": [float(f"{v:.4g}") for v in t.flatten().tolist()]}
    (loss, exact), (rough_loss, rough) = step(False), step(True)
    return {
        "losses": {"float32": loss, "bfloat16": rough_loss},
        "bfloat16": {name: short(t) for name, t in rough.items()},
        "errors": {name: float(f"{rms(t - exact[name]) / rms(exact[name]):.4g}") for name, t in rough.items()},
    }

dump("autocast.json", {"torch": torch.__version__.split("+")[0]} | autocast(Cifar([8, 12, 16], 5), 16, 16, 5))

# The tutorial's classes at a sixteenth of their width: a file of weights, and ten steps of its optimizer from there.
# The images are whole numbers that tests/pipeline/runs/pytorch_weights_test.ts makes by the same rule.
narrow = text
for width in (64, 128, 256, 512):
    narrow = re.sub(rf"\b{width}\b", str(width // 16), narrow)
for name in ("ResidualBlock", "ResNet"):
    exec(re.search(rf"^class {name}\(nn\.Module\):\n(?:[ \t]+.*\n|\s*\n)+", narrow, re.M).group(0))
torch.backends.mkldnn.enabled = False  # PyTorch 2.15 crashes in the backward pass of so narrow convolutions with it
torch.manual_seed(2)
model = ResNet(ResidualBlock, [1, 1, 1, 1])
BATCH, STEPS = 8, 10

def batch(step):
    each = 3 * 224 * 224
    h = np.arange(BATCH * each, dtype=np.uint32) + np.uint32(step * BATCH * each)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):  # MurmurHash3's finalizer
        h = (h ^ h >> np.uint32(shift)) * np.uint32(factor)
    pixels = torch.tensor((h >> np.uint32(24)).astype(np.float32)).reshape(BATCH, 224, 224, 3).permute(0, 3, 1, 2)
    labels = (torch.arange(BATCH) * 7 + step) % 10
    return pixels * (1 + labels.float()).reshape(-1, 1, 1, 1) / 2550, labels  # a class is a brightness

def train(steps):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=0.001, momentum=0.9)
    losses = []
    for step in steps:
        x, labels = batch(step)
        loss = F.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# From weights just drawn, ten steps multiply a rounding by ten thousand: PyTorch in float32 and in float64 are 0.7 % apart
# then. After sixty steps it is a millionth.
train(range(1000, 1060))
save_file(model.state_dict(), here / "tutorial_narrow.safetensors", metadata={"format": "pt"})
x, labels = batch(0)
logits = model.eval()(x)
train_logits = model.train()(x)
model.load_state_dict(load_file(here / "tutorial_narrow.safetensors"))
dump("tutorial_narrow.json", {"logits": array(logits), "train_logits": array(train_logits), "losses": train(range(STEPS))})
