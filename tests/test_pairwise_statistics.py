"""Mean and deviation of the way between every two keypoints, measured and read again."""

import csv
import json

import numpy as np
import pytest

from bottomup.errors import InputError
from bottomup.pairwise_statistics import read_statistics, with_statistics, write_statistics
from bottomup.skeleton import COCO_PERSON, Skeleton
from people import category

TOY = Skeleton(
    name="toy",
    keypoints=("nose", "left_hand", "right_hand"),
    edges=(("nose", "left_hand"), ("nose", "right_hand")),
    sigmas=(0.1, 0.1, 0.1),
)


@pytest.fixture
def measured(tmp_path):
    """Two people on images of 101 px: noses at (50, 10); left hands at +20, +40 px to the right."""
    rows = []
    for number, x in enumerate((70, 90), 1):
        keypoints = [50, 10, 2, x, 30, 2, 0, 0, 0]
        rows.append(
            {"id": number, "image_id": number, "category_id": 1, "keypoints": keypoints}
            | {"num_keypoints": 2, "segmentation": [], "area": 100, "bbox": [0, 0, 9, 9]}
            | {"iscrowd": 0}
        )
    images = [{"id": n, "file_name": f"{n}.jpg", "height": 51, "width": 101} for n in (1, 2)]
    content = {"images": images, "annotations": rows, "categories": [category(TOY)]}
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    write_statistics(tmp_path / "annotations.json", TOY, tmp_path / "statistics.csv")
    return tmp_path / "statistics.csv"


def test_statistics_by_hand(measured):
    with measured.open() as file:
        rows = {(row["from"], row["to"]): row for row in csv.DictReader(file)}
    assert len(rows) == 6
    left, right, hands = (
        rows[pair]
        for pair in (("nose", "left_hand"), ("nose", "right_hand"), ("left_hand", "right_hand"))
    )
    # Shares of 100 px: .2 and .4 to the right, .2 down; mirrored people give the other hand.
    assert [float(left[name]) for name in ("mean_x", "mean_y")] == [0.3, 0.2]
    assert [float(left[name]) for name in ("deviation_x", "deviation_y")] == [0.1, 0]
    assert float(right["mean_x"]) == -0.3
    assert (left["persons"], right["persons"], hands["persons"]) == ("2", "2", "0")


def test_statistics_are_read_in_px_of_the_input(measured):
    found = read_statistics(measured, TOY, 201)
    pairs = TOY.ordered_pairs.tolist()
    assert found["mean"][pairs.index([0, 1])] == pytest.approx([60, 40])
    # Along y nothing deviates: no less than a pixel.
    assert found["deviation"][pairs.index([0, 1])] == pytest.approx([20, 1])
    # Nobody has both hands: no way is likelier, and it deviates as the others do on average.
    assert found["mean"][pairs.index([1, 2])] == [0, 0]
    assert found["deviation"][pairs.index([1, 2])] == pytest.approx([20, 1])


def test_statistics_go_into_the_options_of_the_system(measured):
    settings = {"crop": [129, 201], "system_options": {"radius_px": 9}}
    found = with_statistics(settings, measured, TOY)
    assert found["system_options"]["radius_px"] == 9
    assert found["system_options"]["pairwise_statistics"] == read_statistics(measured, TOY, 201)
    assert with_statistics(settings, None, TOY) == settings


def test_another_skeleton_is_refused(measured):
    with pytest.raises(InputError, match="not those of skeleton 'coco_person'"):
        read_statistics(measured, COCO_PERSON, 201)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="measure_pairs"):
        read_statistics(tmp_path / "none.csv", TOY, 201)


def test_nobody_to_measure_is_refused(tmp_path):
    images = [{"id": 1, "file_name": "1.jpg", "height": 51, "width": 101}]
    content = {"images": images, "annotations": [], "categories": [category(TOY)]}
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="no person has two labelled keypoints"):
        write_statistics(tmp_path / "annotations.json", TOY, tmp_path / "out.csv")


def test_mirrored_people_count(measured):
    found = read_statistics(measured, TOY, 201)
    mirrored = np.array(found["mean"])[TOY.flip_pairs] * [-1, 1]
    np.testing.assert_allclose(found["mean"], mirrored)
