"""The training step: a batch of records in, the losses by head out.

Augmentation, targets, network, refinement and losses in one model, so that Keras compiles them into
one program, on either backend and without TensorFlow where JAX is the backend.
"""

from collections.abc import Mapping

import keras

from bottomup import lookup, network
from bottomup.augment import Augmentation, augment
from bottomup.skeleton import Skeleton


class TrainingStep(keras.Model):
    """A network with its augmentation, targets and losses: batch in, losses by head out."""

    def __init__(self, fields: keras.Model, settings: Mapping, skeleton: Skeleton):
        super().__init__()
        method = lookup.load("systems", settings["system"])
        self.options = method.Options.from_dict(settings.get("system_options", {}))
        refine = self.options.refine_in_training
        self.fields = fields if refine else network.raw_fields(fields)
        self.method, self.skeleton = method, skeleton
        self.stride, self.crop_px = settings["output_stride"], settings["crop"]
        self.augmentation = Augmentation(**settings.get("augmentation", {}))
        self.trackers = {
            name: keras.metrics.Mean(name) for name in method.heads(skeleton, self.options)
        }

    def call(self, batch, training=None):
        image, instances, keypoints = augment(
            batch, self.augmentation, self.crop_px, self.skeleton, fused=self.jit_compile
        )
        outputs = self.fields(image, training=training)
        goals = self.method.targets(keypoints, instances, self.skeleton, self.stride, self.options)
        return self.method.losses(outputs, goals, self.options)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        for name, value in y_pred.items():
            self.trackers[name].update_state(value)
        weights = self.options.loss_weights
        return sum(weights[name] * value for name, value in y_pred.items())
