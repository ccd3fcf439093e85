"""The table of a task that is scored keypoint by keypoint: a total, then each part of the body."""

from collections.abc import Sequence

import pandas as pd

from bottomup.publish import published
from bottomup.publish.inputs import Expectation, Inputs
from bottomup.publish.measured import TEST, each_test, measure, seeds_text, show, tested_on
from bottomup.publish.tables import NOT_MEASURED, Table, share
from bottomup.skeleton import part_of


def parts_table(inputs: Inputs, task: str, totals: Sequence[str], prefix: str) -> Table:
    """One row for each experiment and way of testing; COCO's AP in a column of its own.

    Args:
        inputs: Needs metrics, expected and published.
        task: `single_person` or `multi_person_pckh`.
        totals: Metrics over all keypoints, the most important first.
        prefix: What the metrics of single parts begin with, before the colon.
    """
    tests = list(each_test(inputs.metrics, task))
    metrics = [*totals, *_parts([rows for _, rows in tests], prefix)]
    coco = dict(_coco(inputs))
    expected = [inputs.expected.get(test["experiment"], Expectation()) for test, _ in tests]
    found = [
        published.find(inputs.published, e.published.get(test["protocol"]), task, test["split"])
        for e, (test, _) in zip(expected, tests, strict=True)
    ]
    reported = [name for name in metrics if any(known and name in known.values for known in found)]
    table = Table(header=(*TEST, "seeds", "n", *metrics, "COCO_AP"))
    for (test, rows), expectation, known in zip(tests, expected, found, strict=True):
        measured = {name: measure(rows, name) for name in metrics}
        ap, total = coco.get(tuple(test.values())), measured[totals[0]]
        counts = {"seeds": total.seeds if total else 0, "n": total.n if total else None}
        numbers = {**test, **counts}
        numbers |= {name: value.value if value else None for name, value in measured.items()}
        numbers["COCO_AP"] = ap.value if ap else None
        shown = {
            "experiment": test["experiment"],
            "tested on": tested_on(test, rows),
            "protocol": test["protocol"],
            "seeds": seeds_text(total, expectation) if total else NOT_MEASURED,
            "n": str(counts["n"]) if total else NOT_MEASURED,
            **{_title(name, prefix): show(value) for name, value in measured.items()},
            "COCO AP": show(ap),
        }
        if reported:
            values = known.values if known else {}
            numbers |= {f"published_{name}": values.get(name) for name in reported}
            numbers["published_source"] = known.reference() if known else None
            shown |= {
                f"published {_title(name, prefix)}": share(values.get(name)) for name in reported
            }
            shown["published source"] = known.reference() if known else NOT_MEASURED
        table.add(numbers, shown)
    return table


def _coco(inputs: Inputs):
    """COCO's AP of keypoints, by the way of testing."""
    for test, rows in each_test(inputs.metrics, "keypoints"):
        yield tuple(test.values()), measure(rows, "AP")


def _parts(tables: Sequence[pd.DataFrame], prefix: str) -> list[str]:
    """Metrics of parts: left and right together, as papers report them."""
    names = [name for rows in tables for name in rows["metric"] if name.startswith(f"{prefix}:")]
    parts = {name.partition(":")[2] for name in names}
    # The members of a part that is there as a whole are left out.
    return list(dict.fromkeys(n for n in names if _is_whole(n.partition(":")[2], parts)))


def _is_whole(part: str, parts: set[str]) -> bool:
    return part_of(part) == part or part_of(part) not in parts


def _title(metric: str, prefix: str) -> str:
    return metric.removeprefix(f"{prefix}:").replace("_", " ")
