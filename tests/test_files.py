"""Files are whole or absent, and a full disk is told by the file's name."""

import errno
import os

import pytest

from bottomup.files import written_aside


def test_a_failing_block_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")

    def write():
        with written_aside(path) as aside:
            aside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(OSError, match="No space left") as caught, written_aside(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_disk_that_is_really_full_leaves_nothing(tmp_path):
    path = tmp_path / "file"

    def write():
        with written_aside(path) as aside:
            aside.symlink_to("/dev/full")
            aside.write_text("too much")

    with pytest.raises(OSError, match="No space left"):
        write()
    assert not list(tmp_path.iterdir())
