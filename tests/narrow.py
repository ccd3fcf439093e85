"""Networks of `keras.applications` with few and narrow layers, for tests of where nodes look."""

import keras
from keras.src.applications import convnext, resnet

STAGES = {"conv2": 8, "conv3": 12, "conv4": 16, "conv5": 20}
BLOCKS = 2


def narrow_applications(monkeypatch):
    """Replaces the families that come in one width only; strides and paddings are theirs."""
    monkeypatch.setattr(keras.applications, "ResNet50", _resnet)
    monkeypatch.setattr(keras.applications, "ResNet50V2", _resnet_v2)
    monkeypatch.setattr(keras.applications, "ConvNeXtTiny", _convnext)


def _resnet(**arguments):
    def stages(x):
        for name, filters in STAGES.items():
            stride = 1 if name == "conv2" else 2
            x = resnet.stack_residual_blocks_v1(x, filters, BLOCKS, stride1=stride, name=name)
        return x

    return resnet.ResNet(stages, preact=False, use_bias=True, name="resnet50", **arguments)


def _resnet_v2(**arguments):
    def stages(x):
        for name, filters in STAGES.items():
            stride = 1 if name == "conv5" else 2
            x = resnet.stack_residual_blocks_v2(x, filters, BLOCKS, stride1=stride, name=name)
        return x

    return resnet.ResNet(stages, preact=True, use_bias=True, name="resnet50v2", **arguments)


def _convnext(**arguments):
    widths = list(STAGES.values())
    return convnext.ConvNeXt([1, 1, 2, 1], widths, name="convnext_tiny", **arguments)
