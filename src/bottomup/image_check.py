"""The images of an annotation file: whether each is there, whole, and of the size it says."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import PIL.Image

from bottomup.errors import InputError
from bottomup.person import Image


def check_images(
    images: Iterable[Image], path: str | Path, images_dir: str | Path, threads: int = 4
) -> None:
    """Decodes every image of an annotation file once.

    Args:
        images: What `path` says of them.
        path: The annotation file, for the message.
        images_dir: Their folder.
        threads: How many at a time.

    Raises:
        InputError: An image is missing, cannot be decoded to its end, or differs in size from what
            its annotation says.
    """

    def check(image: Image) -> None:
        _check_image(image, Path(images_dir) / image.file_name, Path(path))

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(check, images):
            pass


def _check_image(image: Image, file: Path, annotations_path: Path) -> None:
    if not file.is_file():
        raise InputError(
            f"{file}: image {image.id} of {annotations_path} is missing; "
            "fetch it, or name the folder that holds the images"
        )
    try:
        with PIL.Image.open(file, formats=("JPEG", "PNG")) as picture:
            width, height = picture.size
            # An eighth of the size, but every byte of the file is still read and decoded.
            picture.draft("L", (1, 1))
            picture.load()
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise InputError(
            f"{file}: image {image.id} cannot be decoded ({error}); fetch it again"
        ) from error
    if (height, width) != (image.height, image.width):
        raise InputError(
            f"{file}: image {image.id} is {height} x {width} (height x width), but "
            f"{annotations_path} says {image.height} x {image.width}; "
            "use the images that were annotated"
        )
