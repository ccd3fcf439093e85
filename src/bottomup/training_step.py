"""The training step: a batch of records in, the losses by head out.

Augmentation, targets, network, refinement and losses in one model, so that Keras compiles them into
one program, on either backend and without TensorFlow where JAX is the backend.
"""

from collections.abc import Mapping

import keras

from bottomup import intermediate, lookup
from bottomup.augment import Augmentation, augment, scale_factors
from bottomup.crops import crop_sides
from bottomup.skeleton import Skeleton


class TrainingStep(keras.Model):
    """A network with its augmentation, targets and losses: batch in, losses by head out."""

    def __init__(
        self,
        fields: keras.Model,
        settings: Mapping,
        skeleton: Skeleton,
        crop_px: int | None = None,
        like: "TrainingStep | None" = None,
    ):
        """Sets up the step.

        Args:
            fields: The network.
            settings: An experiment's keys.
            skeleton: Whose keypoints are learned.
            crop_px: Side of the crops; None for the first of the settings.
            like: A step at another crop, whose heads are shared.
        """
        # A layer of half precision would round its inputs, which hold coordinates.
        super().__init__(dtype="float32")
        method = lookup.load("systems", settings["system"])
        self.options = method.Options.from_dict(settings.get("system_options", {}))
        self.crop_px = crop_px or crop_sides(settings)[0]
        self.fields = (
            like.fields
            if like
            else intermediate.supervised(fields, settings | {"crop": self.crop_px}, skeleton)
        )
        self.factors = intermediate.loss_weights(settings, self.options)
        self.method, self.skeleton = method, skeleton
        self.stride = settings["output_stride"]
        self.augmentation = Augmentation(**settings.get("augmentation", {}))
        self.trackers = {name: keras.metrics.Mean(name) for name in self.fields.output}

    def call(self, batch, training=None):
        image, instances, keypoints = augment(
            batch, self.augmentation, self.crop_px, self.skeleton, fused=self.jit_compile
        )
        outputs = self.fields(image, training=training)
        goals = self.goals(keypoints, instances, batch["draws"])
        return intermediate.losses(outputs, goals, self.method, self.options)

    def goals(self, keypoints, instances, draws) -> dict:
        """The system's targets for what `augment` gives."""
        arguments = (keypoints, instances, self.skeleton, self.stride, self.options)
        if getattr(self.method, "DISKS_SCALE", False):
            return self.method.targets(*arguments, scale=scale_factors(draws, self.augmentation))
        return self.method.targets(*arguments)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        for name, value in y_pred.items():
            self.trackers[name].update_state(value)
        return sum(self.factors[name] * value for name, value in y_pred.items())
