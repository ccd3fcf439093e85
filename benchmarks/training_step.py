"""The full training step beside its bare trunk, and the memory that the full step takes.

    KERAS_BACKEND=jax python benchmarks/training_step.py --backbone resnet --depth 101 --crop 801 \\
        --batch 16 --precision bfloat16

Full: augmentation, targets, network, refinement, losses, optimiser, from uint8 images of 640 px and
keypoints. Bare: the same trunk and heads with a plain L1 loss and the same optimiser, from crops
that are made already. Both are compiled by the backend's compiler in the same way, their inputs
lie on the device, and they take turns; the median of the rounds counts, compiling does not. The
bars, on a GPU: a ratio of 0.90 at 801 px, batch 16 and at 401 px, batch 32.

`--memory-only` compiles the full step without running it and prints what the compiled program
itself says (JAX). Needs no TensorFlow where the backend is JAX.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "src")]

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import ops  # noqa: E402

from bottomup import devices, network  # noqa: E402
from bottomup.augment import draw  # noqa: E402
from bottomup.skeleton import COCO_PERSON  # noqa: E402
from bottomup.training_step import TrainingStep  # noqa: E402

CANVAS_PX = 640
AUGMENTATION = {"scale": (0.5, 1.5), "translation": 0.1, "flip": True}
GIB = 2**30


class BareStep(keras.Model):
    """The same trunk and heads with the cheapest loss: the mean size of all outputs."""

    def __init__(self, fields: keras.Model):
        super().__init__()
        self.fields = network.raw_fields(fields)

    def call(self, crops, training=None):
        return self.fields(crops, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return sum(ops.mean(ops.abs(field)) for field in y_pred.values())


def made_up_batch(batch: int, people: int) -> dict:
    """Noise with people in boxes, as `bottomup.batches` ships it."""
    generator = np.random.default_rng(0)
    keypoints = np.zeros((batch, people, COCO_PERSON.num_keypoints, 3), np.float32)
    instance_map = np.zeros((batch, CANVAS_PX, CANVAS_PX), np.uint16)
    for image in range(batch):
        for person in range(people):
            left, top = generator.uniform(0, 0.7 * CANVAS_PX, 2)
            wide, tall = generator.uniform(0.05, 0.3, 2) * CANVAS_PX
            xy = generator.uniform(
                (left, top), (left + wide, top + tall), (*keypoints.shape[2:3], 2)
            )
            keypoints[image, person] = np.concatenate([xy, np.full((len(xy), 1), 2)], axis=1)
            instance_map[image, int(top) : int(top + tall), int(left) : int(left + wide)] = (
                person + 1
            )
    return {
        "image": generator.integers(0, 256, (batch, CANVAS_PX, CANVAS_PX, 3)).astype(np.uint8),
        "size": np.full((batch, 2), CANVAS_PX, np.int32),
        "instance_map": instance_map,
        "keypoints": keypoints,
        "draws": draw(0, 0, batch),
    }


def built_network(options: argparse.Namespace) -> keras.Model:
    """A network of random weights."""
    return network.build(
        system="personlab",
        system_options={"radius_px": 32},
        backbone=options.backbone,
        backbone_options={"depth": options.depth} if options.backbone == "resnet" else {},
        output_stride=options.output_stride,
        skeleton=COCO_PERSON.to_dict(),
    )


def full_step(options: argparse.Namespace) -> keras.Model:
    """The step that training runs."""
    settings = {
        "system": "personlab",
        "system_options": {"radius_px": 32},
        "output_stride": options.output_stride,
        "crop": options.crop,
        "augmentation": AUGMENTATION,
    }
    return TrainingStep(built_network(options), settings, COCO_PERSON)


class Compiled:
    """A model's training step, compiled for one shape of input; `run` repeats it."""

    def __init__(self, model: keras.Model, inputs, options: argparse.Namespace):
        optimizer = keras.optimizers.SGD(1e-6, momentum=0.9)
        model.compile(optimizer=optimizer, jit_compile=options.xla)
        self.model, self.inputs = model, inputs
        if keras.backend.backend() == "jax":
            self._compile_jax()
        else:
            self._compile_tensorflow()

    def _compile_jax(self) -> None:
        import jax

        self.model._symbolic_build(data_batch=(self.inputs, None, None))
        self.state = self.model._get_jax_state(
            trainable_variables=True,
            non_trainable_variables=True,
            optimizer_variables=True,
            metrics_variables=True,
        )
        step = jax.jit(self.model.train_step, donate_argnums=0)
        self.program = step.lower(self.state, (self.inputs,)).compile()
        self.inputs = jax.device_put(self.inputs)

    def _compile_tensorflow(self) -> None:
        import tensorflow as tf

        self.inputs = tf.nest.map_structure(tf.constant, self.inputs)
        self.model(self.inputs)
        self.model.optimizer.build(self.model.trainable_variables)
        self.program = tf.function(self.model.train_step, jit_compile=self.model.jit_compile)

    def run(self, steps: int) -> float:
        """Seconds that some steps take, the last one finished."""
        start = time.perf_counter()
        for _ in range(steps):
            if keras.backend.backend() == "jax":
                logs, self.state = self.program(self.state, (self.inputs,))
            else:
                logs = self.program((self.inputs,))
        float(logs["loss"])
        return time.perf_counter() - start

    def memory_bytes(self) -> int | None:
        """Peak of device memory: by the compiled program itself, or measured by TensorFlow."""
        if keras.backend.backend() == "jax":
            plan = self.program.memory_analysis()
            kept = plan.argument_size_in_bytes + plan.output_size_in_bytes
            return kept - plan.alias_size_in_bytes + plan.temp_size_in_bytes
        import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            return None
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]


def tell_memory(step: Compiled) -> None:
    """Prints the memory of the full step, where the backend tells it."""
    peak = step.memory_bytes()
    if peak is None:
        print("memory: TensorFlow does not tell it on a CPU; JAX does (KERAS_BACKEND=jax)")
    else:
        print(f"memory of the full step {peak / GIB:.2f} GiB")


def compare(options: argparse.Namespace) -> None:
    """Times both steps in turn."""
    full = Compiled(full_step(options), made_up_batch(options.batch, options.people), options)
    full.run(options.warm_up)
    tell_memory(full)  # before the bare step adds to what TensorFlow measures
    crops = np.zeros((options.batch, options.crop, options.crop, 3), np.float32)
    bare = Compiled(BareStep(built_network(options)), crops, options)
    bare.run(options.warm_up)
    images = options.batch * options.steps
    rounds = [
        (images / full.run(options.steps), images / bare.run(options.steps))
        for _ in range(options.rounds)
    ]
    medians = np.median(rounds, axis=0)
    print(f"full step  {medians[0]:8.2f} images/s")
    print(f"bare trunk {medians[1]:8.2f} images/s")
    print(f"ratio      {np.median([whole / bound for whole, bound in rounds]):8.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", default="small_unet", help="a file of src/bottomup/backbones")
    parser.add_argument("--depth", type=int, default=101, help="of a ResNet")
    parser.add_argument("--crop", type=int, default=193, metavar="PX")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--people", type=int, default=13, help="in each image; COCO has up to 13")
    parser.add_argument("--output-stride", type=int, default=16)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--steps", type=int, default=10, help="in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--warm-up", type=int, default=3, help="steps before the first round")
    parser.add_argument("--xla", choices=("auto", "yes", "no"), default="auto")
    parser.add_argument("--memory-only", action="store_true")
    options = parser.parse_args()
    options.xla = {"auto": "auto", "yes": True, "no": False}[options.xla]
    mixed = options.precision == "bfloat16"
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")
    found = devices.description()
    print(
        f"{options.backbone}, {options.crop} px, stride {options.output_stride}, batch "
        f"{options.batch}, {options.precision}; {found['backend']} on {found['name']}"
    )
    if options.memory_only:
        batch = made_up_batch(options.batch, options.people)
        tell_memory(Compiled(full_step(options), batch, options))
    else:
        compare(options)


if __name__ == "__main__":
    main()
