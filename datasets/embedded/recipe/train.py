#!/usr/bin/python3
"""Step 3 of the recipe: trains the network, writes it as ONNX and says how well it reads (see README.md)."""
import argparse
import hashlib
import sys
import time

import numpy
import torch
from torch import nn

from export import export
from network import GlyphNetwork
from rounding import print_losses

CLASSES, SIZE = 47, 24


def samples(path):
    """Grey images as bytes, and their labels: the classes take turns."""
    grey = numpy.fromfile(path, numpy.uint8).reshape(-1, 1, SIZE, SIZE)
    return torch.from_numpy(grey), torch.arange(len(grey)) % CLASSES


def fed(grey):
    """As the data set feeds them at run time."""
    return (grey.float() - 128) / 128


def correct(network, images, labels):
    with torch.no_grad():
        return sum((network(fed(x)).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))


def train(network, images, labels, epochs, batch, rate):
    order = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    steps = len(images) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps, pct_start=0.2)
    loss_of = nn.CrossEntropyLoss()
    start = time.time()
    for epoch in range(epochs):
        network.train()
        total = 0.0
        for chosen in torch.randperm(len(images), generator=order)[: steps * batch].split(batch):
            optimizer.zero_grad()
            loss = loss_of(network(fed(images[chosen])), labels[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {total / steps:.4f}, {time.time() - start:.0f} s", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", help="where training.u8 and evaluation.u8 are")
    parser.add_argument("output", help="the ONNX file to write")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)
    network = GlyphNetwork(CLASSES).to(memory_format=torch.channels_last)
    train(network, *samples(options.folder + "/training.u8"), options.epochs, batch=128, rate=0.004)
    torch.save(network.state_dict(), options.folder + "/network.pt")
    export(network, options.output)
    with open(options.output, "rb") as file:
        print("sha256", hashlib.sha256(file.read()).hexdigest())
    images, labels = samples(options.folder + "/evaluation.u8")
    print_losses(network, lambda candidate: correct(candidate, images, labels))


if __name__ == "__main__":
    main()
