"""What every plug-in must do, checked once for all of its kind."""

import keras
import numpy as np
import tensorflow as tf

from bottomup import lookup


def check_backbone(name, stride, options, folder):
    """A trunk has its output stride at two sizes, looks where its nodes are, and can be saved."""
    module = lookup.load("backbones", name)
    trunk = module.build(stride, **options)
    step = module.input_stride(stride)
    assert step % stride == 0
    for count in (2, 3):
        sides = (step * 2 + 1, step * count + 1)
        features = trunk(np.zeros((1, *sides, 3), np.float32))
        assert tuple(features.shape[1:3]) == tuple((side - 1) // stride + 1 for side in sides)
    check_node_centres(trunk, stride, step)
    check_saving(trunk, step, folder)


def check_node_centres(trunk, stride, step):
    """The input gradient of a node is centred on the node's own pixel, within half a pixel.

    Averaged over random weights: any one set of them looks more to one side than to the other.
    """
    # Large enough that the border cuts off little of what the node sees.
    nodes = 16 if step == 32 else 256 // step
    side = nodes * step + 1
    row, column = (side - 1) // stride // 2, (side - 1) // stride // 2 + 1
    centres = []
    for seed in range(6):
        _reinitialise(trunk, seed)
        image = tf.constant(np.random.default_rng(seed).uniform(160, 255, (1, side, side, 3)))
        image = tf.cast(image, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(image)
            node = tf.reduce_sum(tf.abs(trunk(image)[0, row, column]))
        weight = np.abs(tape.gradient(node, image).numpy()[0]).sum(-1)
        y, x = np.mgrid[:side, :side]
        centres.append([(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()])
    error = np.mean(centres, 0) - np.array([column * stride, row * stride])
    spread = np.std(centres, 0) / np.sqrt(len(centres) - 1)
    assert (np.abs(error) < 0.5 + 2 * spread).all(), (error, spread)


def _reinitialise(trunk, seed):
    """Positive weights: what a node sees is then its whole receptive field, and nothing cancels."""
    random = np.random.default_rng(seed)
    for variable in trunk.trainable_variables:
        if len(variable.shape) == 4:
            fan_in = np.prod(variable.shape[:-1])
            variable.assign(random.uniform(0, 2 / fan_in, variable.shape))
        elif variable.path.endswith("gain"):
            variable.assign(0.5)


def check_saving(trunk, step, folder):
    trunk.save(folder / "trunk.keras")
    loaded = keras.saving.load_model(folder / "trunk.keras", compile=False)
    image = np.random.default_rng(0).uniform(0, 255, (1, step + 1, step + 1, 3))
    np.testing.assert_array_equal(loaded(image), trunk(image))
