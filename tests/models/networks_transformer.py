"""Small ConvNeXt, ViT and Swin, built block by block as torchvision and timm build theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

CLASSES = 6


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x: Any) -> Any:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class Permute(nn.Module):
    def __init__(self, *dims: int) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Any) -> Any:
        return x.permute(self.dims)


class ConvNeXtBlock(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(c, c, 7, padding=3, groups=c),
            Permute(0, 2, 3, 1),
            nn.LayerNorm(c, eps=1e-6),
            nn.Linear(c, 4 * c),
            nn.GELU(),
            nn.Linear(4 * c, c),
            Permute(0, 3, 1, 2),
        )
        self.layer_scale = nn.Parameter(torch.ones(c, 1, 1))

    def forward(self, x: Any) -> Any:
        return self.layer_scale * self.block(x) + x


class ConvNeXt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 16, 4, 4), LayerNorm2d(16, eps=1e-6)),
            nn.Sequential(ConvNeXtBlock(16)),
            nn.Sequential(LayerNorm2d(16, eps=1e-6), nn.Conv2d(16, 32, 2, 2)),
            nn.Sequential(ConvNeXtBlock(32), ConvNeXtBlock(32)),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            LayerNorm2d(32, eps=1e-6), nn.Flatten(1), nn.Linear(32, CLASSES)
        )

    def forward(self, x: Any) -> Any:
        return self.classifier(self.avgpool(self.features(x)))


class Attention(nn.Module):
    """Self-attention as timm writes it, its product spelled out or fused."""

    def __init__(self, c: int, heads: int, *, fused: bool) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv, self.proj = nn.Linear(c, 3 * c), nn.Linear(c, c)

    def forward(self, x: Any) -> Any:
        n, t, c = x.shape
        qkv = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.proj(y.transpose(1, 2).reshape(n, t, c))


def turned(x: Any, sin: Any, cos: Any, *, half: bool) -> Any:
    """Pairs of numbers turned by an angle: of either half of the last axis, or neighbours."""
    if half:
        a, b = x.chunk(2, dim=-1)
        across = torch.cat([-b, a], dim=-1)
    else:
        across = torch.stack([-x[..., 1::2], x[..., ::2]], -1).reshape(x.shape)
    return x * cos + across * sin


class Rotary(nn.Module):
    """Attention whose queries and keys are turned, each token by its place, as timm writes it.

    The first `apart` tokens are not: class tokens have no place.
    """

    def __init__(self, c: int, heads: int, tokens: int, *, half: bool, apart: int) -> None:
        super().__init__()
        self.heads, self.half, self.apart = heads, half, apart
        self.qkv, self.proj = nn.Linear(c, 3 * c), nn.Linear(c, c)
        angles = torch.arange(1.0, tokens - apart + 1)[:, None] / torch.arange(1.0, c // heads + 1)
        angles = angles.roll(1, -1) if half else angles
        self.register_buffer("turns", torch.cat([angles.sin(), angles.cos()], -1), persistent=False)

    def place(self, x: Any) -> Any:
        sin, cos = self.turns.chunk(2, -1)
        if not self.apart:
            return turned(x, sin, cos, half=self.half)
        rest = turned(x[:, :, self.apart :, :], sin, cos, half=self.half)
        return torch.cat([x[:, :, : self.apart, :], rest], dim=2)

    def forward(self, x: Any) -> Any:
        n, t, c = x.shape
        qkv = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        q, k = self.place(q), self.place(k)
        y = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.proj(y.transpose(1, 2).reshape(n, t, c))


class Multihead(nn.MultiheadAttention):
    def forward(self, x: Any) -> Any:
        return super().forward(x, x, x, need_weights=False)[0]


class Block(nn.Module):
    def __init__(self, c: int, attention: nn.Module) -> None:
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(c), attention, nn.LayerNorm(c)
        self.mlp = nn.Sequential(nn.Linear(c, 2 * c), nn.GELU(), nn.Linear(2 * c, c))

    def forward(self, x: Any) -> Any:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, attention: Callable[[int], nn.Module]) -> None:
        super().__init__()
        c = 32
        self.patch_embed = nn.Conv2d(3, c, 8, 8)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, c))
        self.pos_embed = nn.Parameter(torch.zeros(1, 17, c))
        self.blocks = nn.Sequential(Block(c, attention(c)), Block(c, attention(c)))
        self.norm, self.head = nn.LayerNorm(c), nn.Linear(c, CLASSES)

    def forward(self, x: Any) -> Any:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


class WindowAttention(nn.Module):
    """Attention in windows of w x w tokens, shifted by `shift`, as in Swin."""

    def __init__(self, c: int, heads: int, w: int, shift: int) -> None:
        super().__init__()
        self.heads, self.w, self.shift = heads, w, shift
        self.qkv, self.proj = nn.Linear(c, 3 * c), nn.Linear(c, c)
        self.bias_table = nn.Parameter(torch.zeros((2 * w - 1) ** 2, heads))
        at = torch.stack(torch.meshgrid(torch.arange(w), torch.arange(w), indexing="ij")).flatten(1)
        offset = at[:, :, None] - at[:, None, :] + w - 1
        self.register_buffer("index", (offset[0] * (2 * w - 1) + offset[1]).flatten())

    def mask(self, x: Any, h: int, width: int) -> Any:
        region, count = x.new_zeros((h, width)), 0
        cuts = ((0, -self.w), (-self.w, -self.shift), (-self.shift, None))
        for top, bottom in cuts:
            for left, right in cuts:
                region[top:bottom, left:right] = count
                count += 1
        region = region.view(h // self.w, self.w, width // self.w, self.w)
        region = region.permute(0, 2, 1, 3).reshape(-1, self.w**2)
        apart = region[:, None, :] - region[:, :, None]
        return apart.masked_fill(apart != 0, -100.0).masked_fill(apart == 0, 0.0)

    def forward(self, x: Any) -> Any:
        n, h, width, c = x.shape
        w, tokens = self.w, self.w**2
        if self.shift:
            x = torch.roll(x, shifts=(-self.shift, -self.shift), dims=(1, 2))
        x = x.view(n, h // w, w, width // w, w, c).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(-1, tokens, c)
        qkv = self.qkv(x).reshape(-1, tokens, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * (c // self.heads) ** -0.5) @ k.transpose(-2, -1)
        bias = self.bias_table[self.index].view(tokens, tokens, -1)
        scores = scores + bias.permute(2, 0, 1).contiguous().unsqueeze(0)
        if self.shift:
            windows = (h // w) * (width // w)
            scores = scores.view(-1, windows, self.heads, tokens, tokens)
            scores = scores + self.mask(x, h, width).unsqueeze(1).unsqueeze(0)
            scores = scores.view(-1, self.heads, tokens, tokens)
        x = self.proj((scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(-1, tokens, c))
        x = x.view(-1, h // w, width // w, w, w, c).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(-1, h, width, c)
        return torch.roll(x, shifts=(self.shift, self.shift), dims=(1, 2)) if self.shift else x


class PatchMerging(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.norm, self.reduction = nn.LayerNorm(4 * c), nn.Linear(4 * c, 2 * c, bias=False)

    def forward(self, x: Any) -> Any:
        corners = [x[..., i::2, j::2, :] for j in (0, 1) for i in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, -1)))


class Swin(nn.Module):
    def __init__(self) -> None:
        super().__init__()

        def stage(c: int) -> nn.Sequential:
            return nn.Sequential(*[Block(c, WindowAttention(c, 2, 2, s)) for s in (0, 1)])

        self.features = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 16, 4, 4), Permute(0, 2, 3, 1), nn.LayerNorm(16)),
            stage(16),
            PatchMerging(16),
            stage(32),
        )
        self.norm, self.permute = nn.LayerNorm(32), Permute(0, 3, 1, 2)
        self.avgpool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(32, CLASSES)

    def forward(self, x: Any) -> Any:
        x = self.permute(self.norm(self.features(x)))
        return self.head(torch.flatten(self.avgpool(x), 1))
