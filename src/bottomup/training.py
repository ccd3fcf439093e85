"""Training: records -> weights, history and run record.

One compiled step augments, computes the targets, runs the network and its losses. The state lives
outside the declared outputs, so a killed run goes on where it was.
"""

import csv
import hashlib
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from bottomup import devices, network
from bottomup.augment import draw, middle
from bottomup.batches import RecordSet, fixed_batches, training_batches
from bottomup.checkpoints import locked, restore_state, save_state
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.provenance import run_record
from bottomup.skeleton import Skeleton
from bottomup.training_step import TrainingStep


def train(
    settings: Mapping,
    records: Sequence[Path | str],
    images_txt: Path | str,
    skeleton: Skeleton,
    seed: int,
    out_dir: Path | str,
    state_dir: Path | str,
) -> None:
    """Trains one run to its last step and writes weights.keras, history.csv and run.json.

    Args:
        settings: An experiment's keys: system, system_options, backbone, backbone_options,
            output_stride, initial_weights, crop, augmentation, training.
        records: The record shards of the dataset's split.
        images_txt: The subset: one image id a line.
        skeleton: The dataset's skeleton.
        seed: Of the initial weights, the order of the images and the augmentation.
        out_dir: Folder of the three outputs.
        state_dir: Folder of the resumable state; an interrupted run in it is continued.

    Raises:
        InputError: Records and subset do not match, the loss is no number any more, or another
            trainer holds the state.
    """
    out_dir, state_dir = Path(out_dir), Path(state_dir)
    image_ids = [int(line) for line in Path(images_txt).read_text().split()]
    with locked(state_dir):
        run = Run(settings, RecordSet.read(records), image_ids, skeleton, seed, state_dir)
        run.resume()
        run.train()
        run.finish(out_dir, [*map(Path, records), Path(images_txt)])
        (state_dir / "state.npz").unlink(missing_ok=True)


class Run:
    """One training run between its first and its last step."""

    def __init__(self, settings, records, image_ids, skeleton, seed, state_dir):
        self.settings, self.schedule = settings, settings["training"]
        self.skeleton, self.seed, self.records = skeleton, seed, records
        held_out = self.schedule.get("validation_images", 0)
        self.image_ids, self.validation_ids = _split_off(image_ids, held_out, seed)
        batch = self.schedule["batch"]
        devices.check_split(
            {"training.batch": batch, "training.validation_images": min(held_out, batch)}
        )
        self.state_path = Path(state_dir) / "state.npz"
        self.rows: list[dict] = []
        self.recent: list[dict] = []  # losses by head of the steps since the last row
        self.step, self.seconds = 0, 0.0
        keras.utils.set_random_seed(seed)
        keras.config.set_dtype_policy(
            "mixed_bfloat16" if self.schedule.get("precision") == "bfloat16" else "float32"
        )
        self.fields = _initial_network(settings, skeleton)
        self.model = TrainingStep(self.fields, settings, skeleton)
        self.model.compile(optimizer=_optimizer(self.schedule))
        self.model.optimizer.build(self.model.trainable_variables)

    @property
    def variables(self) -> list:
        """All that a resumed run needs: weights, statistics, moments and averages."""
        return [*self.fields.variables, *self.model.optimizer.variables]

    def resume(self) -> None:
        """Takes up an interrupted run, if there is one."""
        progress = restore_state(self.state_path, self.variables)
        if progress:
            self.step, self.seconds = progress["step"], progress["seconds"]
            self.rows = progress["rows"]
            _say(f"resumed at step {self.step} of {self.schedule['steps']}")

    def train(self) -> None:
        """Runs the remaining steps, logging and saving as the schedule says."""
        steps, batch = self.schedule["steps"], self.schedule["batch"]
        log_every = self.schedule.get("log_every", 50)
        save_every = self.schedule.get("checkpoint_every", 500)
        before, started_at = self.seconds, time.monotonic()
        first_step = self.step
        for examples in self._batches(batch):
            ids = examples.pop("image_id")
            examples["draws"] = draw(self.seed, self.step, batch)
            self.recent.append(self.model.train_on_batch(examples, return_dict=True))
            self.step += 1
            self._check(self.recent[-1], ids)
            self.seconds = before + time.monotonic() - started_at
            if self.step % log_every == 0 or self.step == steps:
                self._log(batch, steps, (self.step - first_step) * batch, before)
            if self.step % save_every == 0 and self.step < steps:
                self._save()

    def finish(self, out_dir: Path, inputs: list[Path]) -> None:
        """Writes the outputs; the weights are the running averages where they are kept."""
        optimizer = self.model.optimizer
        if optimizer.use_ema:
            optimizer.finalize_variable_values(self.model.trainable_variables)
        out_dir.mkdir(parents=True, exist_ok=True)
        weights = out_dir / "weights.keras"
        aside = out_dir / ".weights.part.keras"
        self.fields.save(aside)
        aside.replace(weights)
        with written_aside(out_dir / "history.csv") as aside, aside.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        record = run_record(inputs, [weights], seeds={"run": self.seed}, device=_device())
        record |= {
            "network": _network_arguments(self.settings, self.skeleton),
            "settings": dict(self.settings),
            "images": len(self.image_ids),
            "steps": self.step,
            "seconds": round(self.seconds, 1),
            "backend": keras.backend.backend(),
        }
        with written_aside(out_dir / "run.json") as aside:
            aside.write_text(json.dumps(record, indent=1))

    def _batches(self, batch: int):
        stream = training_batches(
            self.records,
            self.image_ids,
            self.skeleton.num_keypoints,
            batch,
            self.seed,
            self.step,
        )
        return stream.take(self.schedule["steps"] - self.step).as_numpy_iterator()

    def _check(self, parts: dict, ids: np.ndarray) -> None:
        broken = [name for name, value in parts.items() if not math.isfinite(value)]
        if broken:
            raise InputError(
                f"step {self.step}: the loss of {' and '.join(broken)} is not a number, in the "
                f"batch of images {ids.tolist()}; lower training.learning_rate or look at these"
            )

    def _log(self, batch: int, steps: int, images: int, before: float) -> None:
        parts, self.recent = _means(self.recent), []
        validation = self._validation_loss()
        rate = images / max(self.seconds - before, 1e-6)
        self.rows.append(
            {
                "step": self.step,
                "images": self.step * batch,
                "seconds": round(self.seconds, 2),
                "learning_rate": float(self.model.optimizer.learning_rate),
                **parts,
                "validation_loss": validation,
            }
        )
        left = (steps - self.step) * batch / rate
        losses = " ".join(f"{name} {value:.4f}" for name, value in parts.items())
        _say(
            f"step {self.step}/{steps}  {losses}  {rate:.1f} images/s  "
            f"{left // 60:.0f} min {left % 60:02.0f} s left"
        )

    def _validation_loss(self) -> float | None:
        due = self.step % self.schedule.get("checkpoint_every", 500) == 0
        if not self.validation_ids or not (due or self.step == self.schedule["steps"]):
            return None
        batch = min(self.schedule["batch"], len(self.validation_ids))
        stream = fixed_batches(
            self.records,
            self.validation_ids,
            self.skeleton.num_keypoints,
            batch,
        )
        losses = []
        for examples in stream.as_numpy_iterator():
            examples.pop("image_id")
            examples["draws"] = middle(batch)
            losses.append(self.model.test_on_batch(examples, return_dict=True))
        return _means(losses)["loss"]

    def _save(self) -> None:
        progress = {"step": self.step, "seconds": self.seconds, "rows": self.rows}
        save_state(self.state_path, self.variables, progress)


def _means(parts: list[dict]) -> dict[str, float]:
    """Means by name, the whole loss first."""
    names = sorted(parts[0], key=lambda name: (name != "loss", name))
    return {name: float(np.mean([part[name] for part in parts])) for name in names}


def _device() -> str:
    return keras.distribution.list_devices()[0]


def _network_arguments(settings: Mapping, skeleton: Skeleton) -> dict:
    return {
        "system": settings["system"],
        "system_options": dict(settings.get("system_options", {})),
        "backbone": settings["backbone"],
        "backbone_options": dict(settings.get("backbone_options", {})),
        "output_stride": settings["output_stride"],
        "skeleton": skeleton.to_dict(),
    }


def _initial_network(settings: Mapping, skeleton: Skeleton) -> keras.Model:
    initial = settings.get("initial_weights", "random")
    initial = initial if isinstance(initial, Mapping) else {}
    trunk_weights = initial.get("trunk_file")
    fields = network.build(**_network_arguments(settings, skeleton), trunk_weights=trunk_weights)
    if "file" in initial:
        fields.load_weights(initial["file"])
    return fields


def _split_off(image_ids: list[int], count: int, seed: int) -> tuple[list[int], list[int]]:
    """Training and validation ids; the draw depends on seed and ids only, not on their order."""
    ranked = sorted(image_ids, key=lambda i: hashlib.sha256(f"{seed}:{i}".encode()).digest())
    return sorted(ranked[count:]), sorted(ranked[:count])


def _optimizer(schedule: Mapping) -> keras.optimizers.Optimizer:
    common = {
        "learning_rate": _learning_rate(schedule),
        "weight_decay": schedule.get("weight_decay") or None,
        "global_clipnorm": schedule.get("clip_norm"),
        "use_ema": bool(schedule.get("average_decay")),
        "ema_momentum": schedule.get("average_decay") or 0.99,
    }
    if schedule.get("optimizer", "adam") == "sgd":
        return keras.optimizers.SGD(momentum=0.9, **common)
    return keras.optimizers.Adam(beta_2=0.99, **common)


def _learning_rate(schedule: Mapping):
    peak, steps = schedule["learning_rate"], schedule["steps"]
    warmup = round(steps * schedule.get("warmup_share", 0))
    if schedule.get("schedule", "constant") == "cosine":
        return keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else peak,
            max(steps - warmup, 1),
            alpha=0.02,
            warmup_target=peak if warmup else None,
            warmup_steps=warmup,
        )
    if warmup:
        return keras.optimizers.schedules.PolynomialDecay(0.0, warmup, end_learning_rate=peak)
    return peak


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
