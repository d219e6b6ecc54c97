"""The network of the embedded task: a stem convolution, a depthwise-separable pair, an ordinary strided convolution, two inverted residual
blocks, a pointwise head, one fully connected layer."""
import torch
from torch import nn


class Convolution(nn.Module):
    """Convolution without bias, batch norm and, unless it ends a residual branch, ReLU."""

    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1, activation=True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.activation = nn.ReLU() if activation else nn.Identity()

    def forward(self, x):
        return self.activation(self.norm(self.conv(x)))


class InvertedResidual(nn.Module):
    def __init__(self, channels, expanded):
        super().__init__()
        self.expand = Convolution(channels, expanded)
        self.depthwise = Convolution(expanded, expanded, 3, groups=expanded)
        self.project = Convolution(expanded, channels, activation=False)

    def forward(self, x):
        return x + self.project(self.depthwise(self.expand(x)))


class GlyphNetwork(nn.Module):
    def __init__(self, classes, stem=16, early=32, late=40, head=96):
        super().__init__()
        self.stem = Convolution(1, stem, 5, stride=2)
        self.depthwise = Convolution(stem, stem, 3, groups=stem)
        self.pointwise = Convolution(stem, early)
        self.down = Convolution(early, late, 3, stride=2)
        self.block1 = InvertedResidual(late, 2 * late)
        self.block2 = InvertedResidual(late, 2 * late)
        self.head = Convolution(late, head)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(head, classes)

    def forward(self, x):
        x = self.down(self.pointwise(self.depthwise(self.stem(x))))
        return self.classifier(self.pool(self.head(self.block2(self.block1(x)))).flatten(1))
