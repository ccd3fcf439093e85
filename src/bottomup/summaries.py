"""What TensorBoard shows: event files with scalars and pictures, without TensorBoard installed.

An event file is a TFRecord file of `Event` messages.
"""

import io
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


class EventFile:
    """One event file; a run that goes on writes another into the same folder."""

    def __init__(self, folder: Path, first_step: int):
        """Opens a file in which what an earlier one says of later steps holds no more.

        Args:
            folder: Where TensorBoard looks for the run.
            first_step: The step that the run starts or goes on with.
        """
        import tensorflow as tf  # here, so that a training step needs no TensorFlow

        self.messages = tf.compat.v1
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        self.file = tf.io.TFRecordWriter(str(folder / name))
        self._write(0, file_version="brain.Event:2")
        start = self.messages.SessionLog(status=self.messages.SessionLog.START)
        self._write(first_step, session_log=start)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Writes one number for each name."""
        value = self.messages.Summary.Value
        listed = [value(tag=name, simple_value=number) for name, number in values.items()]
        self._write(step, summary=self.messages.Summary(value=listed))

    def pictures(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:
        """Writes one picture, uint8 [y, x, 3], for each name."""
        summary = self.messages.Summary
        listed = [
            summary.Value(tag=name, image=_image(summary, pixels))
            for name, pixels in pictures.items()
        ]
        self._write(step, summary=summary(value=listed))

    def close(self) -> None:
        self.file.close()

    def _write(self, step: int, **what) -> None:
        event = self.messages.Event(wall_time=time.time(), step=step, **what)
        self.file.write(event.SerializeToString())
        self.file.flush()


def _image(summary, pixels: np.ndarray):
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    return summary.Image(
        height=pixels.shape[0],
        width=pixels.shape[1],
        colorspace=3,
        encoded_image_string=encoded.getvalue(),
    )
