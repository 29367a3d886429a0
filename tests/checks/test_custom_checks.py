"""Checks of other packages: run with ours, and reported where they cannot be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command_line import Call, refused
from support.packages import Install

from graphrec.checks.dataset import FIRST, check
from graphrec.checks.findings import SEVERITIES, Finding, checks
from graphrec.data.store import save

SHOP = '''
from graphrec.checks.findings import Finding


def check_even_users(dataset):
    """Findings about an even number of users."""
    if dataset.num_users % 2 == 0:
        yield Finding("even_users", "error", dataset.num_users, "users: an odd number brings luck", "all", "add one")


class NotAFunction:
    """No check."""
'''


def test_a_check_that_a_package_offers_runs_with_ours(random_dataset, install: Install) -> None:
    before = check(random_dataset(0))
    install("shop", {"graphrec.checks": {"even": "shop_checks:check_even_users"}}, shop_checks=SHOP)
    after = check(random_dataset(0))
    assert [finding.code for finding in after if finding not in before] == ["even_users"]
    assert after[0].code == "even_users", "an error comes first"
    assert [finding for finding in after if finding.code != "even_users"] == before


def test_a_check_that_cannot_be_used_is_a_warning_and_stops_nothing(random_dataset, install: Install) -> None:
    before = check(random_dataset(0))
    entries = {"gone": "shop_gone:check", "kind": "shop_checks:NotAFunction"}
    install("shop", {"graphrec.checks": entries}, shop_checks=SHOP)
    added = [finding for finding in check(random_dataset(0)) if finding not in before]
    assert {(finding.code, finding.severity, finding.example) for finding in added} == {
        ("unusable_check", "warning", "gone"),
        ("unusable_check", "warning", "kind"),
    }
    assert all("`shop`" in finding.message for finding in added)
    assert all(finding.next_step for finding in added)


def test_python_and_the_command_line_take_further_checks(
    random_dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    def everything(dataset) -> Iterator[Finding]:
        yield Finding("everything", "info", dataset.num_items, "items", "all", "nothing")

    assert "everything" in {finding.code for finding in check(random_dataset(0), [everything])}
    (tmp_path / "shop_checks.py").write_text(SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    save(random_dataset(0), tmp_path / "data")
    arguments = ("check", str(tmp_path / "data"), "--json", "--check")
    answer = call(*arguments, "shop_checks:check_even_users")
    assert answer.status == 2
    assert "even_users" in {finding["code"] for finding in answer.json["findings"]}
    refused(call(*arguments, "shop_checks:NotAFunction"), "`shop_checks:NotAFunction` is no check", "a function")
    sys.modules.pop("shop_checks")


def test_ours_are_all_registered_and_keep_their_order(random_dataset) -> None:
    assert set(FIRST) == set(checks)
    ranks = [SEVERITIES.index(finding.severity) for finding in check(random_dataset(0))]
    assert ranks == sorted(ranks)
