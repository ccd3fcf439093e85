"""Images as the world has them: read right, or refused in one sentence."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bottomup import coco
from bottomup.errors import InputError
from bottomup.image_check import check_images
from bottomup.inference import read_image
from bottomup.skeleton import COCO_PERSON

HEIGHT, WIDTH = 24, 32
ROTATED = 6  # EXIF orientation: a quarter turn
EXIF_ORIENTATION = 0x0112


def split(folder, image: bytes, name="1.jpg"):
    """Annotations of one image of 24 x 32 pixels, and the folder it is in."""
    (folder / name).write_bytes(image)
    row = coco.Image(1, name, HEIGHT, WIDTH)
    return coco.Annotations(folder / "annotations.json", COCO_PERSON, (row,), {1: ()})


def check_split(annotations: coco.Annotations, folder) -> None:
    check_images(annotations.images, annotations.path, folder)


def saved(folder, picture: Image.Image, **options) -> bytes:
    path = folder / "saved.jpg"
    picture.save(path, **options)
    return path.read_bytes()


def grey_ramp(mode: str) -> Image.Image:
    ramp = np.linspace(30, 220, WIDTH, dtype=np.uint8)
    grey = Image.fromarray(np.tile(ramp, (HEIGHT, 1)))
    return grey.convert("RGB").convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_colour_spaces_of_jpeg_are_read_alike(tmp_path, mode):
    data = saved(tmp_path, grey_ramp(mode), quality=95)
    check_split(split(tmp_path, data), tmp_path)
    pixels = read_image(tmp_path / "1.jpg").astype(int)
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    expected = np.tile(np.linspace(30, 220, WIDTH)[:, None], (HEIGHT, 1, 3))
    assert np.abs(pixels - expected).max() < 12


def test_exif_does_not_turn_what_was_annotated(tmp_path):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = ROTATED
    data = saved(tmp_path, grey_ramp("RGB"), exif=exif)
    check_split(split(tmp_path, data), tmp_path)
    assert read_image(tmp_path / "1.jpg").shape == (HEIGHT, WIDTH, 3)


def png_header(width: int, height: int) -> bytes:
    """The beginning of a PNG that claims a size, and hardly any pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"GIF89a" + bytes(40),
        b"BM" + bytes(60),
        b"<svg></svg>",
        png_header(60000, 60000),
        png_header(0, 0),
        png_header(WIDTH, HEIGHT),
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    ],
    ids=["empty", "cut", "gif", "bmp", "svg", "bomb", "no pixels", "too few pixels", "webp"],
)
def test_what_is_no_sound_image_is_refused(tmp_path, data):
    with pytest.raises(InputError, match=r"1\.jpg: image 1 cannot be decoded .*; fetch it again"):
        check_split(split(tmp_path, data), tmp_path)
    with pytest.raises(InputError, match=r"1\.jpg: cannot be read as an image"):
        read_image(tmp_path / "1.jpg")


def test_a_picture_under_a_wrong_name_is_read_by_its_content(tmp_path):
    path = tmp_path / "saved.png"
    grey_ramp("RGB").save(path)
    check_split(split(tmp_path, path.read_bytes(), "really_png.jpg"), tmp_path)
    assert read_image(tmp_path / "really_png.jpg").shape == (HEIGHT, WIDTH, 3)
