"""One recommendation of each run, explained, as the terminal and the page show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from graphrec.errors import GraphrecError
from graphrec.explanation import Explanation, percent, signed
from graphrec.report.page import RunPage
from graphrec.report.primitives.plots import effect_plot
from graphrec.report.primitives.text_table import TextTable
from graphrec.report.section import Section
from graphrec.runs.run import Run

MOST = 3
"""Runs of which the page explains a recommendation and shows lists."""
RANK_WITHOUT = "rank without it"


class ExplanationSection(Section):
    """The first recommendation of the typical user, by each of a few runs.

    >>> from graphrec.testing.small_run import small_page
    >>> (explained,) = ExplanationSection().context(small_page())["explanations"]
    >>> explained["name"], explained["ranks"][1][0][:3]
    ('ct', ('CT', 'observational', '1'))
    """

    id = "explanation"
    title = "One recommendation, explained"
    template = "explanation.html"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        return {"explanations": _explanations(page.first_runs, page.run_names)}


def part_rows(explanation: Explanation) -> TextTable:
    """Headers and a row a contribution to the score, the sum last; none if undivided. Only effects have ranks.

    >>> user = run.user_ids[0]
    >>> item = run.recommend([user], k=1)["item"][0]
    >>> headers, rows = part_rows(run.explain(user, item))
    >>> headers, [row[0] for row in rows]
    (['part', 'what it is', 'value', 'share'], ['mediator', 'effect', 'confounded', 'sum'])
    """
    decomposition = explanation.decomposition
    if decomposition.total is None:
        return ["part", "what it is", "value", "share"], []
    rows = [
        (each.name, each.meaning, signed(each.value), percent(each.share) if each.used else "not used")
        for each in decomposition.contributions
    ]
    rows.append(("sum", f"{decomposition.quantity}, from {decomposition.reference}", signed(decomposition.total), ""))
    if decomposition.kind != "effects":
        return ["part", "what it is", "value", "share"], rows
    ranks = [*(f"{each.rank_without:,}" for each in decomposition.contributions), ""]
    return ["part", "what it is", "value", "share", RANK_WITHOUT], [(*row, rank) for row, rank in zip(rows, ranks)]


def branch_rows(explanation: Explanation) -> TextTable:
    """Headers and a row a branch.

    >>> user = run.user_ids[0]
    >>> item = run.recommend([user], k=1)["item"][0]
    >>> headers, rows = branch_rows(run.explain(user, item))
    >>> [row[0] for row in rows]
    ['click_match', 'click_exposure', 'like_match', 'like_exposure', 'like_content']
    """
    rows = [
        (branch.name, f"{branch.logit:.4f}", "–" if branch.reference is None else f"{branch.reference:.4f}")
        for branch in explanation.branches
    ]
    return ["branch", "logit", "of the reference item"], rows


def rank_rows(explanation: Explanation) -> TextTable:
    """Headers and a row an estimand.

    >>> user = run.user_ids[0]
    >>> item = run.recommend([user], k=1)["item"][0]
    >>> headers, rows = rank_rows(run.explain(user, item))
    >>> rows[0][:3]
    ('HCR', 'front_door', '1')
    """
    rows = [(each.method, each.estimand, f"{each.rank:,}", f"{each.score:.4g}") for each in explanation.rankings]
    return ["method", "estimand", f"rank of {explanation.candidates:,}", "score (its own scale)"], rows


def list_rows(explanation: Explanation) -> TextTable:
    """Headers and a row a place in the lists, side by side; the explained item has a star.

    >>> user = run.user_ids[0]
    >>> item = run.recommend([user], k=1)["item"][0]
    >>> headers, rows = list_rows(run.explain(user, item))
    >>> headers, rows[0][1] == f"{item} *"
    (['rank', 'HCR', 'HCR-T', 'HCR-S1', 'HCR-S2'], True)
    """
    length = max(len(each.items) for each in explanation.rankings)
    columns = [
        [f"{item} *" if item == explanation.item else item for item in each.items] + [""] * (length - len(each.items))
        for each in explanation.rankings
    ]
    rows = [(str(rank), *cells) for rank, cells in enumerate(zip(*columns), start=1)]
    return ["rank", *(each.method for each in explanation.rankings)], rows


def typical_user(seen: np.ndarray, num_users: int) -> int:
    """The user with the median number of training clicks, the lowest row on ties.

    >>> typical_user(np.array([[0, 5], [0, 6], [0, 7], [1, 5], [2, 5], [2, 6]]), num_users=3)  # 3, 1 and 2 clicks
    2
    """
    counts = np.bincount(seen[:, 0], minlength=num_users)
    # The lower median: a mean of two counts may be no user's.
    return int(np.flatnonzero(counts == np.sort(counts)[(num_users - 1) // 2])[0])


def examples(runs: Sequence[Run]) -> list[Run]:
    """The first runs, one of each decoder before a second of any.

    >>> examples([run, run, run, run]) == [run, run, run]
    True
    """
    decoders = [run.recipe.decoder["name"] for run in runs]
    # The key counts the earlier runs of the same decoder; the sort is stable, so the order stays otherwise.
    order = sorted(range(len(runs)), key=lambda n: decoders[:n].count(decoders[n]))
    return [runs[n] for n in order[:MOST]]


def _explanations(runs: Sequence[Run], names: Mapping[Path, str]) -> list[dict[str, Any]]:
    """The first recommendation of the typical user, by each of a few runs."""
    return [{"name": names[run.folder], **_explained(run, f"explained{n}")} for n, run in enumerate(examples(runs))]


def _explained(run: Run, key: str) -> dict[str, Any]:
    user = run.user_ids[typical_user(run.train_interactions, len(run.user_ids))]
    try:
        best = run.recommend([user], k=1)
        if best.empty:
            return {"error": f"user {user} has every item in the training split: nothing is left to recommend"}
        explanation = run.explain(user, best["item"][0])
    except GraphrecError as error:
        return {"error": str(error)}
    return {
        "error": None,
        "item": explanation.item,
        "text": explanation.text(),
        "plot": Markup(effect_plot(explanation.decomposition, explanation.item, key))
        if explanation.decomposition.contributions
        else None,
        "parts": part_rows(explanation),
        "ranks": rank_rows(explanation),
    }
