"""From fields to people: Hough votes, peaks, assembly, scores and masks. No TensorFlow here."""

from bottomup.decoding.decode import Detection, decode
from bottomup.decoding.settings import DecoderSettings
from bottomup.decoding.shard import decode_shard
from bottomup.decoding.votes import hough_map

__all__ = ["DecoderSettings", "Detection", "decode", "decode_shard", "hough_map"]
