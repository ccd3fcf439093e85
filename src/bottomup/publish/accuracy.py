"""The table of one task: measured values, what was expected, and published values beside them."""

from collections.abc import Iterator, Sequence

import pandas as pd

from bottomup.publish import published
from bottomup.publish.inputs import Expectation, Inputs
from bottomup.publish.measured import (
    TEST,
    each_test,
    expected_ap,
    measure,
    seeds_text,
    show,
    tested_on,
    verdict,
)
from bottomup.publish.published import Published
from bottomup.publish.tables import NOT_MEASURED, Table, share


def accuracy_table(inputs: Inputs, task: str, metrics: Sequence[str]) -> Table:
    """One row for each experiment and way of testing.

    Args:
        inputs: Needs metrics, expected and published.
        task: `keypoints` or `segmentation`.
        metrics: Names of metrics, AP first.
    """
    rows = list(_rows(inputs, task))
    names = [inputs.expected.get(test["experiment"], Expectation()) for test, _ in rows]
    found = [
        published.find(inputs.published, e.published.get(test["protocol"]), task, test["split"])
        for e, (test, _) in zip(names, rows, strict=True)
    ]
    reported = [name for name in metrics if any(known and name in known.values for known in found)]
    table = Table(header=(*TEST, "seeds", "seeds_planned", "persons", *metrics))
    for expectation, (test, cells), known in zip(names, rows, found, strict=True):
        numbers, shown = _measured(task, metrics, expectation, test, cells)
        if any(found):
            more_numbers, more_shown = _published(reported, known)
            numbers, shown = numbers | more_numbers, shown | more_shown
        table.add(numbers, shown)
    return table


def _rows(inputs: Inputs, task: str) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    seen = set()
    for test, rows in each_test(inputs.metrics, task):
        seen.add(test["experiment"])
        yield test, rows
    for experiment, expectation in inputs.expected.items():
        if experiment not in seen:
            places = (expectation.dataset, expectation.split, expectation.protocol)
            test = dict(zip(TEST, (experiment, *(p or "" for p in places)), strict=True))
            yield test, inputs.metrics.iloc[:0]


def _measured(
    task: str,
    metrics: Sequence[str],
    expectation: Expectation,
    test: dict[str, str],
    rows: pd.DataFrame,
) -> tuple[dict, dict]:
    measured = {name: measure(rows, name) for name in metrics}
    ap = measured["AP"]
    expected = expected_ap(task, expectation, test)
    judged = verdict(ap, task, expectation, test)
    numbers: dict = {
        **test,
        "seeds": ap.seeds if ap else 0,
        "seeds_planned": expectation.seeds,
        "persons": ap.n if ap else None,
    }
    for name, value in measured.items():
        if name == "AP":
            numbers |= value.numbers(name) if value else {"AP": None}
        else:
            numbers[name] = value.value if value else None
    numbers |= {"expected_AP": expected, "tolerance": expectation.tolerance, "verdict": judged}
    stated = (
        NOT_MEASURED if expected is None else f"{share(expected)} ± {share(numbers['tolerance'])}"
    )
    shown = {
        "experiment": test["experiment"],
        "tested on": tested_on(test, rows),
        "protocol": test["protocol"],
        "seeds": seeds_text(ap, expectation),
        "persons": str(ap.n) if ap else NOT_MEASURED,
        **{name: show(value, interval=name == "AP") for name, value in measured.items()},
        "expected AP": stated,
        "verdict": judged,
    }
    return numbers, shown


def _published(metrics: Sequence[str], known: Published | None) -> tuple[dict, dict]:
    values = known.values if known else {}
    numbers = {f"published_{name}": values.get(name) for name in metrics}
    shown = {f"published {name}": share(values.get(name)) for name in metrics}
    reference = known.reference() if known else None
    return numbers | {"published_source": reference}, shown | {
        "published source": reference or NOT_MEASURED
    }
