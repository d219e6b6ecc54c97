"""Round-to-nearest weight quantization, simulated: what `rtn(...)` does to a network, for choosing an architecture in which it matters."""
import copy

import torch
from torch import nn

from network import Convolution


def fold_norms(network):
    """A copy whose batch norms are folded into the convolutions before them."""
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, Convolution):
            module.conv = nn.utils.fusion.fuse_conv_bn_eval(module.conv, module.norm)
            module.norm = nn.Identity()
    return network


def round_weights(weights, bits, group_size, symmetric):
    """weights [outputs, K]; group_size along K, -1 = one scale a row, 0 = one in all."""
    if group_size == 0:
        return round_rows(weights.reshape(1, -1), bits, symmetric).reshape(weights.shape)
    if group_size < 0:
        return round_rows(weights, bits, symmetric)
    return torch.cat([round_rows(part, bits, symmetric) for part in weights.split(group_size, dim=1)], dim=1)


def round_rows(rows, bits, symmetric):
    if symmetric:  # the narrow range: as many codes below zero as above
        top = 2 ** (bits - 1) - 1
        scale = rows.abs().amax(1, keepdim=True) / top
        scale[scale == 0] = 1
        return (rows / scale).round().clamp(-top, top) * scale
    low, high, top = rows.amin(1, keepdim=True).clamp(max=0), rows.amax(1, keepdim=True).clamp(min=0), 2**bits - 1
    scale = (high - low) / top
    scale[scale == 0] = 1
    zero = (-low / scale).round().clamp(0, top)
    return (((rows / scale).round() + zero).clamp(0, top) - zero) * scale


def quantized(folded, bits, group_size, symmetric, keep=lambda name: False):
    """A copy of a folded network with rounded weights; layers for which keep(name) is true stay at 8 bit."""
    network = copy.deepcopy(folded)
    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            rows = module.weight.data.flatten(1)
            width, group = (8, -1) if keep(name) else (bits, group_size)
            module.weight.data = round_weights(rows, width, group, symmetric).reshape(module.weight.shape)
    return network


def print_losses(network, correct):
    """correct(network) counts right answers. Prints the relative loss of top-1 of every setting, as the table of README.md."""
    folded = fold_norms(network)
    baseline = correct(folded)
    print(f"float: {baseline} correct")
    groups = (0, -1, 64, 32, 16)
    print("setting | " + " | ".join(f"group_size={group}" for group in groups))

    def line(name, bits, symmetric, keep=lambda name: False):
        losses = [100 * (baseline - correct(quantized(folded, bits, group, symmetric, keep))) / baseline for group in groups]
        print(f"{name} | " + " | ".join(f"{loss:.2f} %" for loss in losses), flush=True)

    short_rows = [name for name, module in folded.named_modules() if isinstance(module, nn.Conv2d) and module.weight[0].numel() <= 25]
    for symmetric in (True, False):
        text = "true" if symmetric else "false"
        for bits in (8, 4, 3, 2):
            line(f"rtn(bits={bits},sym={text})", bits, symmetric)
        line(f"rtn(bits=4,sym={text}), stem and depthwise at 8 bit", 4, symmetric, lambda name: name in short_rows)
