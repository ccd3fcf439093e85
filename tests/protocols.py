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

    Kernels that are their own mirror image leave only strides and paddings to move a node. On one
    colour a maximum pooling would always choose its first pixel, so there is a faint noise, seen
    once as it is and once turned about the node.
    """
    # Large enough that the border cuts off little of what the node sees.
    nodes = 16 if step == 32 else 256 // step
    rows, columns = nodes * step + 1, (nodes + 2) * step + 1
    row, column = (rows - 1) // stride // 2, (columns - 1) // stride // 2
    for seed in range(2):
        _reinitialise(trunk, seed)
        noise = np.random.default_rng(seed).uniform(0, 0.01, (1, rows, columns, 3))
        noise = np.concatenate([noise, noise[:, ::-1, ::-1]])
        image = tf.constant(noise + np.array([160, 200, 240]), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(image)
            node = tf.reduce_sum(tf.abs(trunk(image)[:, row, column]))
        weight = np.abs(tape.gradient(node, image).numpy()).sum((0, -1)).astype(np.float64)
        y, x = np.mgrid[:rows, :columns]
        found = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
        error = found - [(columns - 1) / 2, (rows - 1) / 2]
        assert (np.abs(error) < 0.5 + 0.05).all(), error


def _reinitialise(trunk, seed):
    """Positive weights: what a node sees is then its whole receptive field, and nothing cancels.

    They shrink what they see, so that no sum of residual blocks reaches the 6 where ReLU6 is flat.
    """
    random = np.random.default_rng(seed)
    for variable in trunk.trainable_variables:
        if variable.path.endswith("kernel"):
            is_depthwise = len(variable.shape) == 4 and variable.shape[-1] == 1
            fan_in = np.prod(variable.shape[: 2 if is_depthwise else -1])
            kernel = random.uniform(0, 1.2 / fan_in, variable.shape)
            if len(variable.shape) == 4:
                kernel = (kernel + kernel[::-1]) / 2
                kernel = (kernel + kernel[:, ::-1]) / 2
            variable.assign(kernel)
        elif "layer_scale" in variable.path:
            variable.assign(np.full(variable.shape, 0.5))


def check_saving(trunk, step, folder):
    trunk.save(folder / "trunk.keras")
    loaded = keras.saving.load_model(folder / "trunk.keras", compile=False)
    image = np.random.default_rng(0).uniform(0, 255, (1, step + 1, step + 1, 3))
    np.testing.assert_array_equal(loaded(image), trunk(image))


def check_mixed_precision(name, stride, options):
    """A trunk computes in bfloat16 where the policy says so, and its weights stay float32."""
    module = lookup.load("backbones", name)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        trunk = module.build(stride, **options)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {variable.dtype for variable in trunk.trainable_variables} == {"float32"}
    side = module.input_stride(stride) + 1
    features = trunk(np.full((1, side, side, 3), 99, np.float32))
    assert features.dtype == tf.bfloat16
    assert np.isfinite(tf.cast(features, tf.float32)).all()
