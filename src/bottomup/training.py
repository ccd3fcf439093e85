"""Training: records -> weights, history and run record.

One compiled step augments, computes the targets, runs the network and its losses. The state lives
outside the declared outputs, so a killed run goes on where it was.
"""

import csv
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from bottomup import devices
from bottomup.augment import draw, middle
from bottomup.batches import (
    RecordSet,
    check_sums,
    fixed_batches,
    read_image_list,
    training_batches,
)
from bottomup.checkpoints import Keeper
from bottomup.crops import crop_sides
from bottomup.determinism import seed_everything
from bottomup.errors import InputError, Stopped
from bottomup.files import written_aside
from bottomup.finished import keep, take_back
from bottomup.initial_weights import files_of, initial_network, weighted_layers
from bottomup.interruption import Interruption, interruptible
from bottomup.locks import locked
from bottomup.loss_guard import LossGuard
from bottomup.optimizers import optimizer, warmup_steps
from bottomup.provenance import file_sha256, run_record, values_digest
from bottomup.skeleton import Skeleton
from bottomup.summaries import EventFile
from bottomup.training_pictures import compared
from bottomup.training_step import TrainingStep


def train(
    settings: Mapping,
    records: Sequence[Path | str],
    images_txt: Path | str,
    skeleton: Skeleton,
    seed: int,
    out_dir: Path | str,
    state_dir: Path | str,
    wall_minutes: float | None = None,
) -> None:
    """Trains one run to its last step and writes weights.keras, history.csv and run.json.

    Args:
        settings: An experiment's keys: system, system_options, backbone, backbone_options,
            output_stride, initial_weights, crop, augmentation, training.
        records: The record shards of the dataset's split.
        images_txt: The subset: one image id a line, and its weight behind it if weights differ.
        skeleton: The dataset's skeleton.
        seed: Of the initial weights, the order of the images and the augmentation.
        out_dir: Folder of the three outputs.
        state_dir: Folder of the resumable state and of what TensorBoard shows; an interrupted run
            in it is continued.
        wall_minutes: Time in which to end or to stop with the state saved; None for any.

    Raises:
        InputError: Records and subset do not match, the loss is no number any more or explodes,
            or another trainer holds the state.
        Stopped: A signal came or the time is over; the next call goes on from here.
    """
    out_dir, state_dir = Path(out_dir), Path(state_dir)
    weights = read_image_list(images_txt)
    starts = files_of(settings.get("initial_weights", "random"))
    inputs = [*map(Path, records), Path(images_txt), *map(Path, starts)]
    with interruptible(wall_minutes) as interruption, locked(state_dir) as lock:
        sums = check_sums(records)
        if take_back(state_dir, inputs, out_dir):
            _say(f"finished before, by another job; to train again, delete {state_dir}")
            return
        run = Run(settings, RecordSet.read(records), weights, skeleton, seed, state_dir)
        run.keeper.confirm = lock.confirm
        run.keeper.belongs_to(values_digest(sums, *map(file_sha256, inputs[len(sums) :])))
        run.resume()
        run.train(interruption)
        lock.confirm()
        run.finish(out_dir, inputs)
        keep(out_dir, state_dir)
        run.keeper.forget()


class Run:
    """One training run between its first and its last step."""

    def __init__(self, settings, records, images, skeleton, seed, state_dir):
        self.settings, self.schedule = settings, settings["training"]
        self.skeleton, self.seed, self.records = skeleton, seed, records
        held_out = self.schedule.get("validation_images", 0)
        self.image_ids, self.validation_ids = _split_off(list(images), held_out, seed)
        if self.validation_ids and not self.image_ids:
            raise InputError(
                f"training.validation_images is {held_out}, and the subset has only "
                f"{len(self.validation_ids)} images; hold out fewer"
            )
        self.weights = dict(images) if isinstance(images, Mapping) else {}
        self.state_dir = Path(state_dir)
        self.keeper = Keeper(self.state_dir / "state.npz")
        batch = self.schedule["batch"]
        devices.check_split(
            {"training.batch": batch, "training.validation_images": min(held_out, batch)}
        )
        self.rows: list[dict] = []
        self.recent: list[dict] = []  # losses by head of the steps since the last row
        self.step, self.resumes = 0, 0
        self.seconds, self.images_per_second = 0.0, 0.0
        seed_everything(seed, self.schedule.get("deterministic", False))
        keras.config.set_dtype_policy(
            "mixed_bfloat16" if self.schedule.get("precision") == "bfloat16" else "float32"
        )
        initial = settings.get("initial_weights", "random")
        self.fields = initial_network(_network_arguments(settings, skeleton), initial)
        self.model, self.models = _compiled_steps(self.fields, settings, skeleton)
        self.guard = self._guard()

    @property
    def variables(self) -> list:
        """All that a resumed run needs: weights, statistics, moments and averages."""
        return [*self.model.fields.variables, *self.model.optimizer.variables]

    @property
    def progress(self) -> dict:
        """What a resumed run needs beside its variables, as plain values."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "resumes": self.resumes,
            "rows": self.rows,
            "recent": self.recent,
            "losses": list(self.guard.seen),
        }

    def resume(self) -> None:
        """Takes up an interrupted run, if there is one."""
        progress = self.keeper.restore(self.variables)
        if progress:
            self.step, self.seconds = progress["step"], progress["seconds"]
            self.rows, self.recent = progress["rows"], progress["recent"]
            self.resumes = progress["resumes"] + 1
            self.guard = self._guard(progress["losses"])
            _say(f"resumed at step {self.step} of {self.schedule['steps']}")

    def train(self, interruption: Interruption | None = None) -> None:
        """Runs the remaining steps, logging and saving as the schedule says."""
        interruption = interruption or Interruption()
        self.events = EventFile(self.state_dir / "events", self.step)
        before, started_at, first_step = self.seconds, time.monotonic(), self.step
        steps, stopping = self.schedule["steps"], None
        for examples in self._batches():
            self._one_step(examples)
            self.seconds = before + time.monotonic() - started_at
            self.keeper.step_was_sound()
            if stopping and self.step < steps:
                self._stop(stopping, interruption)
            trained = (self.step - first_step) * self.schedule["batch"]
            self.images_per_second = trained / max(self.seconds - before, 1e-6)
            due = self._is_due("log_every", 50) or self._is_due("checkpoint_every", 500)
            if due or self.step == steps:
                self._log()
            stopping = interruption.reason
            if self.step < steps and (stopping or self._is_due("checkpoint_every", 500)):
                self.keeper.take(self.variables, self.progress)
            if self.step == first_step + 1:
                interruption.restart()  # what the first step took was compiling
            else:
                interruption.passed()
        self.events.close()

    def finish(self, out_dir: Path, inputs: list[Path]) -> None:
        """Writes the outputs; the weights are the running averages where they are kept."""
        if self.model.optimizer.use_ema:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        out_dir.mkdir(parents=True, exist_ok=True)
        weights = out_dir / "weights.keras"
        aside = out_dir / ".weights.part.keras"
        self.fields.save(aside)
        aside.replace(weights)
        with written_aside(out_dir / "history.csv") as aside, aside.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)
        record = run_record(
            inputs, [weights], seeds={"run": self.seed}, device=devices.description()
        )
        with written_aside(out_dir / "run.json") as aside:
            aside.write_text(json.dumps(record | self._facts(), indent=1))

    def _facts(self) -> dict:
        """What the record says of this run; the time is that of all its parts together."""
        return {
            "network": _network_arguments(self.settings, self.skeleton),
            "settings": dict(self.settings),
            "digest": self.state_dir.name,
            "images": len(self.image_ids),
            "images_seen": self.step * self.schedule["batch"],
            "steps": self.step,
            "seconds": round(self.seconds, 1),
            "resumes": self.resumes,
            "precision": _precision(self.fields),
            "deterministic": self.schedule.get("deterministic", False),
        }

    def _guard(self, seen: Sequence[float] = ()) -> LossGuard:
        return LossGuard(self.schedule.get("loss_limit"), warmup_steps(self.schedule), seen)

    def _batches(self):
        stream = training_batches(
            self.records,
            self.image_ids,
            self.skeleton.num_keypoints,
            self.schedule["batch"],
            self.seed,
            self.step,
            [self.weights[i] for i in self.image_ids] if self.weights else None,
        )
        return stream.take(self.schedule["steps"] - self.step).as_numpy_iterator()

    def _one_step(self, examples: dict) -> None:
        ids = examples.pop("image_id")
        examples["draws"] = draw(self.seed, self.step, len(ids))
        model = self.models[self.step % len(self.models)]
        parts = model.train_on_batch(examples, return_dict=True)
        self.recent.append({name: float(value) for name, value in parts.items()})
        self.step += 1
        self.guard.check(self.step, self.recent[-1], ids.tolist())

    def _is_due(self, key: str, default: int) -> bool:
        return self.step % self.schedule.get(key, default) == 0

    def _stop(self, reason: str, interruption: Interruption) -> None:
        """Ends the run early; the state on disk is that before the last step."""
        self.events.close()
        raise Stopped(
            f"stopped at step {self.step - 1} of {self.schedule['steps']}, {reason}; the state is "
            "saved, and the same command goes on from there",
            out_of_time=interruption.signal is None,
        )

    def _log(self) -> None:
        parts, self.recent = _means(self.recent), []
        rate = float(self.model.optimizer.learning_rate)
        self.rows.append(
            {
                "step": self.step,
                "images": self.step * self.schedule["batch"],
                "seconds": round(self.seconds, 2),
                "learning_rate": rate,
                **parts,
                "validation_loss": self._validation_loss(),
            }
        )
        shown = {key: value for key, value in self.rows[-1].items() if value is not None}
        self.events.scalars(self.step, {k: v for k, v in shown.items() if k != "step"})
        steps, speed = self.schedule["steps"], self.images_per_second
        left = (steps - self.step) * self.schedule["batch"] / speed
        losses = " ".join(f"{name} {value:.4f}" for name, value in parts.items())
        _say(
            f"step {self.step}/{steps}  {losses}  {speed:.1f} images/s  "
            f"{left // 60:.0f} min {left % 60:02.0f} s left"
        )

    def _validation_loss(self) -> float | None:
        due = self._is_due("checkpoint_every", 500) or self.step == self.schedule["steps"]
        if not self.validation_ids or not due:
            return None
        batch = min(self.schedule["batch"], len(self.validation_ids))
        losses = []
        for examples in self._held_out(self.validation_ids, batch):
            losses.append(self.model.test_on_batch(examples, return_dict=True))
        self._draw_pictures()
        return _means(losses)["loss"]

    def _held_out(self, image_ids: list[int], batch: int) -> Iterator[dict]:
        """Batches that are not augmented."""
        stream = fixed_batches(self.records, image_ids, self.skeleton.num_keypoints, batch)
        for examples in stream.as_numpy_iterator():
            examples.pop("image_id")
            yield examples | {"draws": middle(batch)}

    def _draw_pictures(self) -> None:
        """Shows targets and predictions of the first held-out images."""
        shown = self.validation_ids[: self.schedule.get("pictures", 4)]
        for examples in self._held_out(shown, len(shown)) if shown else ():
            self.events.pictures(self.step, compared(self.model, examples))


def _means(parts: list[dict]) -> dict[str, float]:
    """Means by name, the whole loss first."""
    names = sorted(parts[0], key=lambda name: (name != "loss", name))
    return {name: float(np.mean([part[name] for part in parts])) for name in names}


def _compiled_steps(
    fields: keras.Model, settings: Mapping, skeleton: Skeleton
) -> tuple[TrainingStep, list[TrainingStep]]:
    """The step at the first crop, and those at all crops: one network, one optimizer."""
    first = TrainingStep(fields, settings, skeleton)
    first.compile(optimizer=optimizer(settings["training"]))
    first.optimizer.build(first.trainable_variables)
    steps = [first]
    for crop_px in crop_sides(settings)[1:]:
        steps.append(TrainingStep(fields, settings, skeleton, crop_px, like=first))
        steps[-1].compile(optimizer=first.optimizer)
    return first, steps


def _precision(fields: keras.Model) -> str:
    """The number format that the trunk computes in, as built and not as asked for."""
    formats = [layer.compute_dtype for layer in weighted_layers(fields, "trunk")]
    return max(set(formats), key=formats.count)


def _network_arguments(settings: Mapping, skeleton: Skeleton) -> dict:
    return {
        "system": settings["system"],
        "system_options": dict(settings.get("system_options", {})),
        "backbone": settings["backbone"],
        "backbone_options": dict(settings.get("backbone_options", {})),
        "output_stride": settings["output_stride"],
        "skeleton": skeleton.to_dict(),
    }


def _split_off(image_ids: list[int], count: int, seed: int) -> tuple[list[int], list[int]]:
    """Training and validation ids; the draw depends on seed and ids only, not on their order."""
    ranked = sorted(image_ids, key=lambda i: hashlib.sha256(f"{seed}:{i}".encode()).digest())
    return sorted(ranked[count:]), sorted(ranked[:count])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
