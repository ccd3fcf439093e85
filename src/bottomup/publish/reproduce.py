"""How to get each number of a table again: the commands, commits, digests and seeds behind a cell.

One line a cell. The digest of the config covers what the experiment, its subset and the protocol
say; the digest of a run, which is in its record, covers all that decided its weights.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bottomup.files import written_aside

# Columns of tables that say what a row is about, not what was measured.
NAMES = (
    *("experiment", "control", "dataset", "split", "protocol", "task", "stratum", "seed", "seeds"),
    *("system", "backbone", "trained_on", "varied", "value", "model", "answer", "verdict"),
)
COLUMNS = (
    *("row", "column", "value", "experiment", "dataset", "split", "protocol", "seeds"),
    *("commit", "changed", "config_digest", "run_digests", "command"),
)


def write_reproduction(
    table_csv: Path | str, tests: Sequence[Mapping], out_csv: Path | str
) -> None:
    """Writes one line for each cell of a table that has a value and belongs to an experiment.

    Args:
        table_csv: The table as .csv.
        tests: What the study tests: experiment, seed, dataset, split, protocol, `run` (path of the
            run's record), `digest` (of the config), `command`.
        out_csv: What to write.
    """
    with open(table_csv, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (
        written_aside(out_csv) as aside,
        aside.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for number, row in enumerate(rows, 1):
            writer.writerows(_lines(number, row, tests))


def _lines(number: int, row: Mapping[str, str], tests: Sequence[Mapping]) -> Iterator[dict]:
    behind = [test for test in tests if _is_behind(test, row)]
    if not behind:
        return
    records = [json.loads(Path(test["run"]).read_text(encoding="utf-8")) for test in behind]
    commits = {record.get("git", {}).get("commit") or "no git" for record in records}
    shared = {
        **{key: row.get(key) or behind[0][key] for key in ("experiment", "dataset", "split")},
        "row": number,
        "protocol": " ".join(dict.fromkeys(test["protocol"] for test in behind)),
        "seeds": " ".join(map(str, sorted({test["seed"] for test in behind}))),
        "commit": " ".join(sorted(commits)),
        "changed": any(record.get("git", {}).get("dirty") for record in records),
        "config_digest": " ".join(dict.fromkeys(test["digest"] for test in behind)),
        "run_digests": " ".join(dict.fromkeys(str(record.get("digest")) for record in records)),
        "command": " && ".join(dict.fromkeys(test["command"] for test in behind)),
    }
    for column, value in row.items():
        if column not in NAMES and not column.startswith("published") and value:
            yield {"column": column, "value": value} | shared


def _is_behind(test: Mapping, row: Mapping[str, str]) -> bool:
    """Whether a row that names these things speaks of the test; what it leaves open fits all."""
    keys = ("dataset", "split", "protocol", "seed")
    return test["experiment"] in (row.get("experiment"), row.get("control")) and all(
        not row.get(key) or row[key] == str(test[key]) for key in keys
    )
