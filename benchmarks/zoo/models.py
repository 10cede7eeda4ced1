"""The models of the zoo: which there are, how each is built, and seeded weights for them.

No weights are downloaded. What a fresh model starts at zero (layer scales, the last batch norm of a
residual branch, heads) is drawn anew: a zero hides every error before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import nn

TIMM = "timm/"
"""How the names of timm's models begin; torchvision's stand alone."""
FAMILIES = (
    *(
        "deit_tiny_distilled_patch16_224",
        "flexivit_small",
        "regnetz_b16",
        "repvgg_a0",
        "mobileone_s0",
    ),
    *("resnetblur50", "resnet18d", "seresnet18", "ecaresnet26t", "lambda_resnet26t", "halonet26t"),
    *("botnet26t_256", "lamhalobotnet50ts_256", "gernet_s", "mixnet_s", "tinynet_e", "fbnetc_100"),
    *("lcnet_035", "mobilenetv4_conv_small_035", "tf_efficientnet_b0", "maxvit_pico_rw_256"),
    *("coatnet_0_rw_224", "coatnext_nano_rw_224", "maxxvitv2_nano_rw_256", "convformer_s18"),
    *("caformer_s18", "poolformer_s12", "poolformerv2_s12", "randformer_s12", "gmlp_s16_224"),
    *("resmlp_12_224", "resnetv2_50", "resnetv2_50x1_bit", "eca_nfnet_l0", "nf_regnet_b0"),
    *("cs3darknet_focus_s", "cspdarknet53", "vit_srelpos_small_patch16_224", "twins_pcpvt_small"),
    *("coat_tiny", "coat_lite_tiny", "beitv2_base_patch16_224", "legacy_seresnet18"),
)
"""timm models besides the smallest one of every module: other blocks in the same file."""
SIZES = re.split(
    " ",
    "atto femto pico nano zepto xxtiny xxs xxt xtiny tiny xs xt mini small lite little ti t0 050 "
    "s base b0 m medium 50 b l large 101 xl x xx huge giant h g gigantic",
)
"""Words in models' names, smallest first."""


@cache
def torchvision() -> Any:
    """The package; a CPU build of torch lacks the operators whose fakes it registers."""
    register = torch.library.register_fake

    def lenient(name: Any, *args: Any, **options: Any) -> Any:
        if isinstance(name, str) and name.startswith("torchvision::"):
            return lambda function: function
        return register(name, *args, **options)

    torch.library.register_fake = lenient
    try:
        import torchvision
    finally:
        torch.library.register_fake = register
    return torchvision


def names() -> list[str]:
    """Every torchvision classifier, then one small model of each timm family."""
    models = torchvision().models
    return [*models.list_models(module=models), *timm_names()]


def timm_names() -> list[str]:
    """The smallest model of each module, as the names have it, and FAMILIES."""
    import timm

    chosen = []
    for module in timm.list_modules():
        inside = [n for n in timm.list_models(module=module) if not n.startswith("test_")]
        if inside:
            chosen.append(min(inside, key=_size_of))
    known = set(timm.list_models())
    chosen += [name for name in (*FAMILIES, *SHAPED) if name in known]
    chosen += [f"{name}@{h}x{w}" for name in SHAPED if name in known for h, w in SHAPES]
    return [f"{TIMM}{name}" for name in dict.fromkeys(chosen)]


def size_of(name: str) -> tuple[int, int] | None:
    """(64, 96) of `timm/levit_128s@64x96`; None where the name gives no size."""
    _, _, size = name.partition("@")
    height, _, width = size.partition("x")
    return (int(height), int(width)) if size else None


def _size_of(name: str) -> tuple[float, int, str]:
    words = re.split(r"[_.]|(?<=[a-z])(?=\d)", re.sub("(x+)_small", "x\\1s", name))
    ranks = [SIZES.index(word) for word in words if word in SIZES]
    numbers = [int(word) for word in re.findall(r"\d+", name)]
    return (min(ranks) if ranks else SIZES.index("base"), sum(numbers), name)


SHAPED = ("crossvit_tiny_240", "mvitv2_tiny", "levit_128s")
"""timm models that are measured at more sizes than their own, in rows named NAME@HEIGHTxWIDTH."""
SHAPES = ((64, 96), (96, 96))
"""Height and width, besides the native ones."""
AS_BUILT = {
    **dict.fromkeys(
        (f"{TIMM}crossvit_tiny_240@64x96", f"{TIMM}crossvit_tiny_240@96x96"),
        "timm builds none for this size; that for 240 x 240, which resizes the picture itself",
    ),
    f"{TIMM}mvitv2_tiny@64x96": "timm builds square ones only; that for 224 x 224 takes it",
}
"""Rows whose model is not built for their size, with the reason; the others' are."""
INPUTS = {
    f"{TIMM}samvit_base_patch16": 256,
    f"{TIMM}deepseek_vit_412m": 168,
    f"{TIMM}gemma4_vit_167m": 192,
}
"""Sizes far below the native ones that fit the patches of these, as 128 does not."""
FIXED = {f"{TIMM}samvit_base_patch16"}
"""What is built for one size."""


def build(name: str, seed: int = 0) -> nn.Module:
    """The model with seeded weights, in eval mode, nothing of it in place."""
    torch.manual_seed(seed)
    net = _plain(name)
    randomise(net)
    for part in net.modules():
        if getattr(part, "inplace", None) is True:
            part.inplace = False  # type: ignore[assignment]
    return net.eval()


def _plain(name: str) -> nn.Module:
    if not name.startswith(TIMM):
        options = {"aux_logits": True} if name in ("googlenet", "inception_v3") else {}
        options |= {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        net: nn.Module = torchvision().models.get_model(name, weights=None, **options)
        return net
    torchvision()  # timm imports it
    import timm

    options: dict[str, Any] = {"img_size": INPUTS[name]} if name in FIXED else {}
    if (size := size_of(name)) and name not in AS_BUILT:
        options = {"img_size": size}
    plain, _, _ = name.removeprefix(TIMM).partition("@")
    made: nn.Module = timm.create_model(plain, pretrained=False, **options)
    return made


def sizes(name: str, net: nn.Module) -> Iterator[tuple[int, int]]:
    """Heights and widths to try: a small one where the architecture does not fix it."""
    if size := size_of(name):
        yield size
    else:
        yield from ((side, side) for side in _squares(name, net))


def _squares(name: str, net: nn.Module) -> Iterator[int]:
    config = getattr(net, "default_cfg", None) or {}
    native = config.get("input_size", (3, 224, 224))[-1]
    if name == "inception_v3":
        native = 299
    fixed = config.get("fixed_input_size") or name.startswith(("vit", "swin", "maxvit"))
    if name in INPUTS:
        yield INPUTS[name]
    elif not fixed and native > 128:
        yield 128
    yield native


def randomise(net: nn.Module) -> None:
    """Weights that keep the signal's scale, and statistics that are not the identity's."""
    owner = {id(p): m for m in net.modules() for p in m.parameters(recurse=False)}
    with torch.no_grad():
        for name, p in net.named_parameters():
            if p.is_floating_point():
                _draw(name, p, owner[id(p)])
        _statistics(net)


def _draw(name: str, p: nn.Parameter, owner: nn.Module) -> None:
    leaf = name.rpartition(".")[2]
    constant = p.numel() > 0 and bool((p == p.flatten()[0]).all())
    mixes = isinstance(owner, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d) and p.ndim > 1
    if mixes or (p.ndim > 1 and constant and leaf.endswith("weight")):
        gain = 3.0 if isinstance(owner, nn.Linear) else 5.0
        p.uniform_(-1, 1).mul_((gain / max(p[0].numel(), 1)) ** 0.5)
    elif re.search(r"gamma|scale|gain|alpha|\bls|norm.*weight", leaf) or leaf == "weight":
        if constant and float(p.detach().flatten()[0]) < 1.5:  # logit scales stay as they are
            p.uniform_(0.5, 1.5)
    elif p.ndim == 1 or constant:
        p.uniform_(-0.3, 0.3)


def _statistics(net: nn.Module) -> None:
    """Batch norms' running statistics: noise about what a plain network would see."""
    for part in net.modules():
        mean, var = getattr(part, "running_mean", None), getattr(part, "running_var", None)
        if mean is not None and var is not None:
            mean.normal_(0, 0.2)
            var.uniform_(0.5, 1.5)


def calibrate(net: nn.Module, x: torch.Tensor) -> None:
    """Brings batch norms near the statistics of x: deep networks neither die out nor explode."""
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    before = [m.momentum for m in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    try:
        with torch.no_grad():
            net(torch.cat([x, -x, x.flip(-1), x.roll(7, -2)]))
    finally:
        for norm, momentum in zip(norms, before, strict=True):
            norm.eval()
            norm.momentum = momentum
            if norm.running_mean is not None and norm.running_var is not None:
                norm.running_mean += (
                    0.2 * norm.running_var.sqrt() * torch.randn_like(norm.running_mean)
                )
                norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.7, 1.4)
                norm.running_var += 1e-3
