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
