"""Result tables: what a metric is called, how a number is written, and which row is significantly the best."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import pandas as pd

from graphrec.evaluation.metrics import NDCG, InterventionalNDCG, MetricColumn, better, describe
from graphrec.evaluation.significance import LEVEL

LABELS = {name: name.replace("_", " ") for name in ("result_set", "method", "run", "estimand", "seeds", "users")}
PAIR_HEADERS = ["metric", "row", "compared with", "difference", "p", "p (Wilcoxon)"]


def metric_names(table: pd.DataFrame) -> list[str]:
    """The metrics of a result table, in its order.

    >>> metric_names(pd.DataFrame(columns=["method", "mrr", "mrr_low", "mrr_high", "users"]))
    ['mrr']
    """
    return [column for column in table.columns if f"{column}_low" in table.columns]


def primary_metric(metrics: Sequence[str], *, by_truth: bool = False) -> str:
    """The column that is shown where there is room for a single one: NDCG at its first cutoff, else the first column.

    Args:
        metrics: columns, at least one.
        by_truth: whether the NDCG by a simulated world's truth is meant.

    >>> primary_metric(["recall@20", "ndcg@20", "ndcg@50"])
    'ndcg@20'
    """
    ndcg = InterventionalNDCG if by_truth else NDCG
    return next((column for column in metrics if describe(column).metric is ndcg), metrics[0])


def metric_label(name: str) -> str:
    """What the metric's class calls a column.

    >>> metric_label("ndcg_do@50"), metric_label("mrr")
    ('NDCG@50 (do)', 'MRR')
    """
    return describe(name).label


def number(value: float) -> str:
    """Four decimals without the leading zero; a dash where nothing was measured.

    >>> number(0.07123), number(-0.5), number(float("nan"))
    ('.0712', '-.5000', '–')
    """
    if pd.isna(value):
        return "–"
    text = f"{value:z.4f}"  # z: no sign before a zero
    if text.startswith("0."):
        return text[1:]
    return "-" + text[2:] if text.startswith("-0.") else text


def counted(n: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "run"), counted(1200, "user")
    ('1 run', '1,200 users')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def cell(row: pd.Series, metric: str, *, bold: bool = False) -> str:
    """`.0712 [.0698, .0725]`, the mean in `**` if bold; a dash where the metric was not measured.

    >>> row = pd.Series({"mrr": 0.0712, "mrr_low": 0.0698, "mrr_high": 0.0725})
    >>> cell(row, "mrr"), cell(row, "mrr", bold=True)
    ('.0712 [.0698, .0725]', '**.0712** [.0698, .0725]')
    """
    if pd.isna(row[metric]):
        return "–"
    mean = f"**{number(row[metric])}**" if bold else number(row[metric])
    return f"{mean} [{number(row[f'{metric}_low'])}, {number(row[f'{metric}_high'])}]"


def best_row(table: pd.DataFrame, metric: str) -> Hashable | None:
    """Index of the row with the best mean; None where no row has the metric, or no value of it is better.

    >>> table = pd.DataFrame({"ndcg@50": [0.2, 0.4], "regret_do@50": [0.1, 0.3]})
    >>> best_row(table, "ndcg@50"), best_row(table, "regret_do@50")  # regret: lower is better
    (1, 0)
    """
    means = table[metric].dropna()
    if means.empty:
        return None
    match better(metric):
        case "higher":
            return means.idxmax()
        case "lower":
            return means.idxmin()
        case "nearer 0":
            return means.abs().idxmin()
        case "neither":
            return None


def rivals(table: pd.DataFrame, metric: str, tests: pd.DataFrame) -> tuple[Hashable | None, pd.DataFrame]:
    """The best of the rows that were tested, and its tests against each of the others.

    Args:
        table: result rows, numbered as in `tests`.
        tests: as `pair_tests` gives them; a row that is in no test, such as an oracle's, is no competitor.

    >>> table = pd.DataFrame({"mrr": [0.2, 0.4, 0.9]})
    >>> tests = pd.DataFrame({"metric": "mrr", "first": [0], "second": [1], "p": [0.01]})  # row 2 is an oracle
    >>> best, against = rivals(table, "mrr", tests)
    >>> best, against["p"].tolist()
    (1, [0.01])
    """
    pairs = tests[tests["metric"] == metric]
    best = best_row(table.loc[sorted({*pairs["first"], *pairs["second"]})], metric)
    return best, pairs[(pairs["first"] == best) | (pairs["second"] == best)]


def clear_best(table: pd.DataFrame, metric: str, tests: pd.DataFrame) -> Hashable | None:
    """Index of the best row if it differs significantly from every other that was tested; else None.

    >>> table = pd.DataFrame({"mrr": [0.2, 0.4]})
    >>> tests = pd.DataFrame({"metric": ["mrr"], "first": [0], "second": [1], "p": [0.01]})
    >>> clear_best(table, "mrr", tests), clear_best(table, "mrr", tests.assign(p=0.2))
    (1, None)
    """
    best, against = rivals(table, metric, tests)
    return best if len(against) and bool((against["p"] < LEVEL).all()) else None


def with_p(table: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    """The table with `METRIC_p`: each row's corrected p against the best row; in the best row the largest of these.

    >>> table = pd.DataFrame({"mrr": [0.2, 0.4, 0.3], "mrr_low": 0.1, "mrr_high": 0.5})
    >>> tests = pd.DataFrame({"metric": "mrr", "first": [0, 0, 1], "second": [1, 2, 2], "p": [0.01, 0.5, 0.2]})
    >>> with_p(table, tests)["mrr_p"].tolist()
    [0.01, 0.2, 0.2]
    """
    columns = {}
    for metric in metric_names(table):
        best, against = rivals(table, metric, tests)
        p = pd.Series(float("nan"), index=table.index)
        for _, pair in against.iterrows():
            p[pair["second"] if pair["first"] == best else pair["first"]] = pair["p"]
        if len(against):
            p[best] = against["p"].max()
        columns[f"{metric}_p"] = p
    return table.assign(**columns)


def metric_rows(table: pd.DataFrame, tests: pd.DataFrame | None = None) -> tuple[list[str], list[tuple[str, ...]]]:
    """Headers and rows of a result table for a terminal or a Markdown file; with tests, `clear_best` in `**`.

    >>> table = pd.DataFrame({"method": ["HCR"], "mrr": [0.4], "mrr_low": [0.3], "mrr_high": [0.5]})
    >>> metric_rows(table)
    (['method', 'MRR'], [('HCR', '.4000 [.3000, .5000]')])
    """
    metrics = metric_names(table)
    fixed = [column for column in LABELS if column in table.columns]
    clear = {} if tests is None else {metric: clear_best(table, metric, tests) for metric in metrics}
    rows = [
        (
            *(str(row[column]) for column in fixed),
            *(cell(row, metric, bold=clear.get(metric) == index) for metric in metrics),
        )
        for index, row in table.iterrows()
    ]
    return [*(LABELS[column] for column in fixed), *map(metric_label, metrics)], rows


def leading(table: pd.DataFrame) -> list[str]:
    """The headers of a result table, the most important first.

    Those that name the rows come first. Then each metric at its first cutoff: NDCG, by the truth, others.

    >>> metrics = ["recall@20", "ndcg@20", "ndcg@50"]
    >>> leading(pd.DataFrame(columns=["method", *metrics, *(f"{metric}_low" for metric in metrics)]))
    ['method', 'NDCG@20', 'Recall@20']
    """
    at_first: dict[str, MetricColumn] = {}
    for metric in map(describe, metric_names(table)):
        at_first.setdefault(metric.stem, metric)
    metrics = sorted(at_first.values(), key=lambda metric: (metric.metric is not NDCG, metric.family != "truth"))
    fixed = [column for column in ("result_set", "method", "run") if column in table.columns]
    return [*(LABELS[column] for column in fixed), *(metric.label for metric in metrics)]


def naming(table: pd.DataFrame) -> list[str]:
    """The headers of the first columns of a result table that tell its rows apart, no more than it needs.

    >>> table = pd.DataFrame({"method": ["HCR", "HCR"], "run": ["a", "b"], "estimand": ["front_door", "front_door"]})
    >>> naming(table), naming(table[:1])
    (['method', 'run'], ['method'])
    """
    fixed = [column for column in ("result_set", "method", "run", "estimand") if column in table.columns]
    lengths = range(1, len(fixed) + 1)
    enough = next((n for n in lengths if not table.duplicated(fixed[:n]).any()), len(fixed))
    return [LABELS[column] for column in fixed[:enough]]


def row_names(table: pd.DataFrame) -> list[str]:
    """A name for each row of a comparison: its method, with the run where two rows share one.

    >>> row_names(pd.DataFrame({"run": ["a", "b", "c"], "method": ["HCR", "HCR", "CT"]}))
    ['a: HCR', 'b: HCR', 'CT']
    """
    shared = table["method"].duplicated(keep=False)
    return table["method"].where(~shared, table["run"] + ": " + table["method"]).tolist()


def pair_rows(
    names: Sequence[str], table: pd.DataFrame, tests: pd.DataFrame
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Headers and rows of the best row's tests against every other; of all tests where no value is better.

    Args:
        names: of the rows, by number.

    >>> table = pd.DataFrame({"mrr": [0.2, 0.4]})
    >>> test = {"metric": "mrr", "first": 0, "second": 1, "difference": -0.2, "low": -0.3, "high": -0.1}
    >>> tests = pd.DataFrame([{**test, "p": 0.01, "wilcoxon_p": 0.02}])
    >>> pair_rows(["CT", "HCR"], table, tests)[1]
    [('MRR', 'HCR', 'CT', '.2000 [.1000, .3000]', '.0100', '.0200')]
    """
    rows: list[tuple[str, ...]] = []
    for metric in tests["metric"].unique():
        best, against = rivals(table, metric, tests)
        for _, pair in (tests[tests["metric"] == metric] if best is None else against).iterrows():
            # The best row is shown first, so a pair that has it second changes its sign.
            sign = -1 if pair["second"] == best else 1
            left, right = (names[pair[key]] for key in ("first", "second")[::sign])
            low, high = sorted((sign * pair["low"], sign * pair["high"]))
            difference = f"{number(sign * pair['difference'])} [{number(low)}, {number(high)}]"
            p, wilcoxon = probability(pair["p"]), probability(pair["wilcoxon_p"])
            rows.append((metric_label(metric), left, right, difference, p, wilcoxon))
    return PAIR_HEADERS, rows


def probability(p: float) -> str:
    """A p value.

    >>> probability(0.0123), probability(1e-7)
    ('.0123', '< .0001')
    """
    return "< .0001" if p < 0.0001 else number(p)


def markdown(table: pd.DataFrame, tests: pd.DataFrame | None = None) -> str:
    """A result table in Markdown; with tests, a significantly best value is bold.

    >>> table = pd.DataFrame({"method": ["HCR"], "mrr": [0.4], "mrr_low": [0.3], "mrr_high": [0.5]})
    >>> print(markdown(table), end="")
    | method | MRR |
    |---|---|
    | HCR | .4000 [.3000, .5000] |
    """
    return markdown_table(*metric_rows(table, tests)) + "\n"


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table, which no text in a cell can break; without a line end.

    >>> print(markdown_table(["metric", "formula"], [["Recall@K", "P(hit | positive)"]]))
    | metric | formula |
    |---|---|
    | Recall@K | P(hit \\| positive) |
    """
    return "\n".join([_line(headers), "|" + "---|" * len(headers), *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(text.replace("|", "\\|").split()) for text in cells) + " |"
