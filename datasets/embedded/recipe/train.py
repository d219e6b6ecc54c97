#!/usr/bin/python3
"""Step 3 of the recipe: trains the network (see README.md)."""
import argparse
import sys
import time

import numpy
import torch
from torch import nn

from network import GlyphNetwork
from rounding import fold_norms, quantized

CLASSES, SIZE = 47, 24


def samples(path):
    """Images as the run-time data set feeds them, (grey - 128) / 128, and their labels: the classes take turns."""
    grey = numpy.fromfile(path, numpy.uint8).reshape(-1, 1, SIZE, SIZE)
    return torch.from_numpy(grey), torch.arange(len(grey)) % CLASSES


def fed(grey):
    return (grey.float() - 128) / 128


def correct(network, images, labels):
    with torch.no_grad():
        return sum((network(fed(x)).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))


def train(network, images, labels, epochs, batch, rate):
    order = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    steps = epochs * (len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.2)
    loss_of = nn.CrossEntropyLoss()
    start = time.time()
    for epoch in range(epochs):
        network.train()
        total = 0.0
        for chosen in torch.randperm(len(images), generator=order)[: steps // epochs * batch].split(batch):
            optimizer.zero_grad()
            loss = loss_of(network(fed(images[chosen])), labels[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {total / (steps // epochs):.4f}, {time.time() - start:.0f} s", file=sys.stderr, flush=True)


def print_rounding_table(network, images, labels):
    folded = fold_norms(network)
    base = correct(folded, images, labels)
    print(f"float: {base} of {len(images)}")
    for symmetric in (True, False):
        for bits in (8, 4, 3, 2):
            row = []
            for group in (0, -1, 128, 64, 32, 16):
                value = correct(quantized(folded, bits, group, symmetric), images, labels)
                row.append(f"g{group}: {100 * (base - value) / base:6.2f}")
            print(f"{'sym ' if symmetric else 'asym'} {bits} bit  relative loss %  " + "  ".join(row), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", help="where training.u8 and evaluation.u8 are")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.004)
    parser.add_argument("--shape", default="16,32,40,96")
    parser.add_argument("--output", default="/tmp/emb/net.pt")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)
    images, labels = samples(options.folder + "/training.u8")
    network = GlyphNetwork(CLASSES, *map(int, options.shape.split(","))).to(memory_format=torch.channels_last)
    train(network, images, labels, options.epochs, options.batch, options.rate)
    torch.save(network.state_dict(), options.output)
    print_rounding_table(network.eval(), *samples(options.folder + "/evaluation.u8"))


main()
