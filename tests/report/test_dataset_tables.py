"""The tables of `graphrec check`: numbers as people write them, times as days, what made the vectors."""

import pytest

from graphrec.checks.dataset import check, statistics
from graphrec.data.store import load
from graphrec.report.dataset_tables import finding_table, modality_table, number_rows, span_text


@pytest.fixture(scope="module")
def dataset(tiny_prepared):
    return load(tiny_prepared)


def test_numbers_are_written_as_people_write_them(dataset):
    numbers = dict(number_rows({**statistics(dataset), "clicks": 1_234_567, "density": 0.040233}))
    assert (numbers["clicks"], numbers["density"]) == ("1,234,567", "4.0233%")
    assert numbers["users"] == f"{dataset.num_users:,}"


@pytest.mark.parametrize(
    ("times", "span", "text"),
    [
        (True, [1_546_300_826, 1_548_892_773], "2019-01-01 to 2019-01-30"),
        (True, [1_546_300_826_739, 1_548_892_773_334], "2019-01-01 to 2019-01-30"),
        (True, [20_190_610, 20_190_619], "2019-06-10 to 2019-06-19"),
        (True, [3, 7], "3 to 7, of an unknown unit"),
        (True, None, "not known"),
        (False, None, "no times"),
    ],
)
def test_times_are_days_where_the_unit_can_be_recognised(times, span, text):
    assert span_text({"times": times, "span": span}) == text


def test_a_modality_says_what_made_it(dataset):
    headers, rows = modality_table(statistics(dataset))
    made = {row[0]: dict(zip(headers, row))["encoder"] for row in rows}
    assert made == {"visual": "none: simulated", "acoustic": "none: simulated", "textual": "none"}


def test_every_finding_is_a_row(dataset):
    findings = check(dataset)
    _, rows = finding_table(findings)
    assert [(row[0], row[2]) for row in rows] == [(finding.code, f"{finding.count:,}") for finding in findings]
