"""Tables as .csv (bare numbers for machines), and for readers as .md, .tex (booktabs) and .html."""

import csv
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bottomup.errors import InputError
from bottomup.files import written_aside

NO_SUCH_OBJECT = "no such object (n = 0)"
EN_DASH = "\N{EN DASH}"
NOT_MEASURED = EN_DASH
TEX = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    EN_DASH: "--",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
}

STYLE = (
    '<meta charset="utf-8"><style>body{font:14px sans-serif;margin:1em}'
    "table{border-collapse:collapse}th,td{padding:.3em .7em;text-align:left;vertical-align:top}"
    "th{border-bottom:2px solid}td{border-bottom:1px solid #ccc}</style>"
)


@dataclass
class Table:
    """A table in its two forms, grown row by row.

    Attributes:
        numbers: One dictionary a row for the CSV file; the first row's keys are the header.
        shown: One dictionary a row, title to text, for the formats that people read.
        header: Keys of the CSV file if there may be no row.
    """

    numbers: list[Mapping] = field(default_factory=list)
    shown: list[Mapping[str, str]] = field(default_factory=list)
    header: Sequence[str] = ()

    def add(self, numbers: Mapping, shown: Mapping[str, str]) -> None:
        """Adds a row in both forms."""
        self.numbers.append(numbers)
        self.shown.append(shown)

    def save(self, outputs: Sequence[Path | str]) -> None:
        """Writes the table to each path, in the format of its suffix.

        Raises:
            InputError: The suffix is none of .csv, .md, .tex and .html.
        """
        writers = {
            ".csv": self.as_csv,
            ".md": self.as_markdown,
            ".tex": self.as_latex,
            ".html": self.as_html,
        }
        for path in map(Path, outputs):
            if path.suffix not in writers:
                raise InputError(f"{path}: tables are written as {', '.join(writers)}")
            with written_aside(path) as aside:
                aside.write_text(writers[path.suffix](), encoding="utf-8", newline="\n")

    def as_csv(self) -> str:
        text = io.StringIO()
        header = list(dict.fromkeys(key for row in self.numbers for key in row))
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header or self.header)
        for row in self.numbers:
            writer.writerow([_bare(row.get(key)) for key in header])
        return text.getvalue()

    def as_markdown(self) -> str:
        titles, rows = self._texts()
        rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
        widths = [max(3, *(len(row[c]) for row in [titles, *rows])) for c in range(len(titles))]
        rule = ["-" * width for width in widths]
        lines = [" | ".join(t.ljust(w) for t, w in zip(row, widths, strict=True))
                 for row in (titles, rule, *rows)]  # fmt: skip
        return "".join(f"| {line} |\n" for line in lines)

    def as_latex(self) -> str:
        titles, rows = self._texts()
        lines = [" & ".join(map(escaped, row)) + r" \\" for row in (titles, *rows)]
        body = [lines[0], r"\midrule", *lines[1:]]
        columns = "l" * len(titles)
        return "\n".join(
            [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", *body, r"\bottomrule",
             r"\end{tabular}", ""]
        )  # fmt: skip

    def as_html(self) -> str:
        """A page of its own, which needs nothing from elsewhere."""
        titles, rows = self._texts()
        lines = [
            f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in row)}</tr>"
            for tag, row in (("th", titles), *(("td", row) for row in rows))
        ]
        return "\n".join(["<!doctype html>", STYLE, "<table>", *lines, "</table>", ""])

    def _texts(self) -> tuple[list[str], list[list[str]]]:
        titles = list(dict.fromkeys(title for row in self.shown for title in row)) or [
            "nothing yet"
        ]
        return titles, [[row.get(title, "") for title in titles] for row in self.shown]


def escaped(text: str) -> str:
    """The text with LaTeX's special characters made harmless."""
    return "".join(TEX.get(character, character) for character in text)


def share(value: float | None, digits: int = 3) -> str:
    """A number from 0 to 1 as papers print it, `.641`; an undefined one says why."""
    if value is None:
        return NOT_MEASURED
    if math.isnan(value):
        return NO_SUCH_OBJECT
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def signed(difference: float) -> str:
    """A difference as papers print it, `+.012`."""
    if math.isnan(difference):
        return NOT_MEASURED
    return f"{'-' if round(difference, 3) < 0 else '+'}{share(abs(difference))}"


def _bare(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
