"""Tables in their four formats."""

import math

import pytest

from bottomup.errors import InputError
from bottomup.publish.tables import Table, escaped, share


@pytest.fixture
def table():
    made = Table()
    made.add({"name": "a_b", "AP": 0.123456789}, {"name": "a_b", "AP": ".123 ± .004"})
    made.add({"name": "x|y", "AP": math.nan, "n": 0}, {"name": "x|y", "AP": "none"})
    return made


def test_csv_holds_bare_numbers_and_nothing_for_what_is_missing(table):
    assert table.as_csv() == "name,AP,n\na_b,0.123457,\nx|y,,0\n"


def test_markdown_is_aligned_and_keeps_its_columns(table):
    assert table.as_markdown() == (
        "| name | AP          |\n"
        "| ---- | ----------- |\n"
        "| a_b  | .123 ± .004 |\n"
        "| x\\|y | none        |\n"
    )


def test_latex_is_booktabs(table):
    assert table.as_latex() == (
        "\\begin{tabular}{ll}\n"
        "\\toprule\n"
        "name & AP \\\\\n"
        "\\midrule\n"
        "a\\_b & .123 $\\pm$ .004 \\\\\n"
        "x|y & none \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
    )


def test_html_needs_nothing_else_and_escapes_its_text():
    made = Table()
    made.add({}, {"n": "< 2 & more"})
    page = made.as_html()
    assert "<tr><th>n</th></tr>\n<tr><td>&lt; 2 &amp; more</td></tr>" in page
    assert "http" not in page


def test_latex_specials_are_harmless():
    assert escaped("50 % of {x} & \\y") == r"50 \% of \{x\} \& \textbackslash{}y"


def test_a_table_without_rows_has_its_header():
    assert Table(header=("experiment", "AP")).as_csv() == "experiment,AP\n"
    assert "nothing yet" in Table().as_markdown()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.6414, ".641"), (1.0, "1.000"), (0.0, ".000"), (math.nan, "no such object (n = 0)")],
)
def test_shares_are_printed_as_in_papers(value, text):
    assert share(value) == text


def test_other_formats_are_refused(table, tmp_path):
    with pytest.raises(InputError, match=r"table\.pdf"):
        table.save([tmp_path / "table.pdf"])


def test_each_output_gets_its_format(table, tmp_path):
    outputs = [tmp_path / f"table.{suffix}" for suffix in ("csv", "md", "tex")]
    table.save(outputs)
    written = [path.read_text() for path in outputs]
    assert written == [table.as_csv(), table.as_markdown(), table.as_latex()]
