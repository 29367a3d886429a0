"""Everything that `graphrec check` says about a prepared dataset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from graphrec.checks.dataset import check, statistics
from graphrec.checks.findings import SEVERITIES, Check, Finding
from graphrec.checks.graph import audit_graph
from graphrec.checks.leaks import audit_leaks
from graphrec.checks.split import check_split
from graphrec.checks.variants import VariantComparison, compare_variants, matched_variant
from graphrec.data.dataset import InteractionDataset
from graphrec.data.split import Split, SplitConfig, make_split
from graphrec.errors import SplitError
from graphrec.graph.build import InteractionGraph


@dataclass(frozen=True)
class Inspection:
    """What `graphrec check` reports about a dataset.

    Args:
        dataset: what was checked.
        statistics: its numbers, as `statistics` gives them.
        findings: errors first; those about the split and the graph behind those about the data.
        compared: the published sets of its source, the nearest first.
        split: the split that was audited; None where there was none to make.

    >>> from graphrec.checks.inspection import inspect
    >>> inspection = inspect(gr.load(data))
    >>> inspection.has_errors, inspection.matched_variant, sorted(inspection.to_dict())
    (False, 'a simulated twin, not any published set', ['findings', 'published', 'split', 'statistics'])
    """

    dataset: InteractionDataset
    statistics: dict[str, Any]
    findings: list[Finding]
    compared: list[VariantComparison]
    split: Split | None

    @property
    def matched_variant(self) -> str:
        """Which published set it is, in a sentence."""
        return matched_variant(self.dataset, self.compared)

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """All of it but the data, for JSON."""
        return {
            "statistics": self.statistics,
            "published": {
                "matched_variant": self.matched_variant,
                "variants": [
                    {
                        "name": compared.variant.name,
                        "same": compared.is_same,
                        "counts": compared.variant.counts,
                        "dataset_counts": compared.dataset_counts,
                    }
                    for compared in self.compared
                ],
            },
            "split": self.split and {"name": self.split.config.name, "hash": self.split.hash, **self.split.counts},
            "findings": [asdict(finding) for finding in self.findings],
        }


def inspect(dataset: InteractionDataset, config: SplitConfig | None = None, more: Iterable[Check] = ()) -> Inspection:
    """Check a dataset, compare its counts with published ones, split it, and audit the split and its graph for leaks.

    Args:
        config: the split; by default `default_split`.
        more: further checks to run, as in `check`.

    >>> from graphrec.checks.inspection import inspect
    >>> [finding.code for finding in inspect(gr.load(data)).findings]
    ['few_validation_users', 'unsorted_times', 'no_leaks']
    """
    findings, split = check(dataset, more), None
    if not any(finding.severity == "error" for finding in findings):
        split, about_split = _audit(dataset, config or default_split(dataset))
        findings += about_split
    # The sort is stable: among equally severe findings those about the data stay first.
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Inspection(dataset, statistics(dataset), findings, compare_variants(dataset), split)


def default_split(dataset: InteractionDataset) -> SplitConfig:
    """The source's own split where it gives one, else HCR's chronological split, else a random one.

    >>> from graphrec.checks.inspection import default_split
    >>> from graphrec.testing.planted import planted_world
    >>> default_split(gr.load(data)).name, default_split(planted_world()).name
    ('chronological', 'given')
    """
    if "part" in dataset.interactions:
        return SplitConfig(name="given")
    return SplitConfig(name="chronological" if dataset.has_times else "random")


def _audit(dataset: InteractionDataset, config: SplitConfig) -> tuple[Split | None, list[Finding]]:
    try:
        split = make_split(dataset, config)
    except SplitError as error:
        step = str(error.next_step or "choose another split")
        return None, [Finding("no_split", "warning", 0, error.problem, str(error.got), step)]
    leaks = [*audit_leaks(split), *audit_graph(InteractionGraph.from_split(split), split)]
    if not leaks:
        message = (
            f"no leak in the split `{config.name}`: train, valid and test share no pair; the graph and the feature "
            "scaling come from train alone"
        )
        example = (
            f"{split.counts['train_clicks']:,} edges, {split.counts['valid']:,} valid, {split.counts['test']:,} test"
        )
        leaks = [Finding("no_leaks", "info", 0, message, example, "nothing")]
    return split, [*leaks, *check_split(dataset, split)]
