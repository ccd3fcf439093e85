"""What every plug-in must do, checked once for all of its kind."""

import keras
import numpy as np
import tensorflow as tf

from bottomup import lookup, network
from bottomup.decoding import decode
from bottomup.fields.grid import Frame
from bottomup.oracle import OracleSettings, ideal_fields
from bottomup.rle import rle_mask
from bottomup.skeleton import COCO_PERSON
from scenes import pixels


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


def check_system(name, options, skeleton, scenes):
    """A system's heads, targets, losses and options fit each other, and one step lowers the loss.

    Args:
        name: A module in `bottomup.systems`.
        options: Its options, as in an experiment.
        skeleton: Whose keypoints the scenes annotate.
        scenes: Keypoints [batch, person, keypoint, 3] and instance maps int32 [batch, y, x].
    """
    module = lookup.load("systems", name)
    settings = module.Options.from_dict(options)
    arguments = {"backbone": "pixel", "backbone_options": {"features": 16}, "output_stride": 8}
    fields = network.build(name, options, **arguments, skeleton=skeleton.to_dict())
    keypoints, instances = scenes
    generator = np.random.default_rng(0)
    image = (generator.uniform(0, 60, (*instances.shape, 3)) + 40 * instances[..., None]) % 256
    goals = module.targets(tf.constant(keypoints), tf.constant(instances), skeleton, 8, settings)
    heads = module.heads(skeleton, settings)
    for head in heads:
        assert tuple(goals[head].shape[3:]) == heads[head].shape
        assert goals[f"{head}_weight"].shape[0] == len(keypoints)
    optimizer = keras.optimizers.Adam(3e-3)
    totals = []
    for _ in range(6):
        with tf.GradientTape() as tape:
            parts = module.losses(fields(image.astype(np.float32), training=True), goals, settings)
            assert set(parts) <= set(settings.loss_weights)
            total = sum(settings.loss_weights[part] * value for part, value in parts.items())
        gradients = tape.gradient(total, fields.trainable_variables)
        assert all(gradient is not None for gradient in gradients)
        assert set(heads) <= set(parts)
        optimizer.apply_gradients(zip(gradients, fields.trainable_variables, strict=True))
        totals.append(float(total))
    assert np.isfinite(totals).all()
    assert min(totals[1:]) < totals[0]


def check_ideal_fields(name, people, size=(401, 401)):
    """Ideal fields of a system decode to the people that they describe, masks included."""
    settings = OracleSettings(system=name, long_side=max(size), output_stride=8)
    frame = Frame.fit(*size, max(size))
    instances = pixels(people, *size)
    fields = ideal_fields(np.asarray(people), instances, frame, COCO_PERSON, settings)
    found = decode(fields, COCO_PERSON, settings.decoder, frame)
    assert len(found) == len(people)
    for person, mask in zip(people, person_masks_of(instances, len(people)), strict=True):
        errors = [np.abs(one.keypoints[:, :2] - person[:, :2]).max() for one in found]
        assert min(errors) < 2
        detected = rle_mask(found[int(np.argmin(errors))].mask)
        assert (detected & mask).sum() / (detected | mask).sum() > 0.8


def person_masks_of(instances, count):
    """The pixels of each person alone, bool [height, width]."""
    return [instances == number for number in range(1, count + 1)]
