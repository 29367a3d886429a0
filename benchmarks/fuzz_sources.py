"""Damage the fixture files of every registered source and count what comes of it.

    python benchmarks/fuzz_sources.py [--rounds 20] [--seed 0] [--only NAME] [--out benchmarks/results/fuzz]

In every round each file of each fixture is damaged in each of the ways of `tests/support/fuzzing.py`, at places drawn
again. Writes results.csv (a row for each example and damage) and results.md; ends with status 1 if anything else than a
typed error that names a file, an equal dataset, or one whose provenance accounts for what is missing came of it.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import pandas as pd
import typer

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "data"))
from support.fuzzing import GOOD, Bench, Damage, Kind, damages, examples

from graphrec.system.owned_folder import claim_if_new, write_own_text

KINDS: tuple[Kind, ...] = get_args(Kind)
MEMORY = 8 << 30


def campaign(rounds: int, seed: int, only: str) -> tuple[pd.DataFrame, list[str]]:
    """How often each example answered each damage in each way, and a line for each answer that must not be."""
    counts: Counter[tuple[str, str, Kind]] = Counter()
    faults = []
    for example in examples():
        if only not in example.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(example, Path(folder))
            for number in range(rounds):
                for index, damage in enumerate(list(damages(bench.raw))):
                    outcome = bench.trial(damage, np.random.default_rng([seed, number, index]))
                    if outcome is None:
                        continue
                    counts[example.name, _label(damage), outcome.kind] += 1
                    if outcome.kind not in GOOD:
                        faults.append(f"{example.name}, {damage}, round {number}: {outcome.kind}: {outcome.detail}")
                        print(faults[-1], flush=True)
        print(f"{example.name}: {sum(n for (name, *_), n in counts.items() if name == example.name):,}", flush=True)
    rows = [
        {"example": name, "damage": damage, "outcome": kind, "count": n} for (name, damage, kind), n in counts.items()
    ]
    return pd.DataFrame(rows), faults


def _label(damage: Damage) -> str:
    packed = damage.file.endswith((".gz", ".zip")) and not damage.inside
    return f"{damage.mutation} (of the archive)" if packed else damage.mutation


def report(table: pd.DataFrame, faults: list[str], rounds: int, seed: int) -> str:
    totals = table.groupby("outcome")["count"].sum()
    layouts = table["example"].nunique()
    shown = {kind: int(totals.get(kind, 0)) for kind in KINDS}
    lines = [
        "# Damaged files and what came of them",
        "",
        f"Written by `python benchmarks/fuzz_sources.py --rounds {rounds} --seed {seed}`:",
        f"{sum(shown.values()):,} inputs, each the fixture of one of {layouts} layouts with one file damaged.",
        "",
        "- typed error: one of graphrec's errors, and it names a file",
        "- equal: the very dataset of the whole files (as with a byte order mark, or damage to what is not read)",
        "- accounted for: still valid in its layout; not smaller than the whole one, or its provenance says so",
        "- silent: fewer events, users, items or features, and nothing says so; must be 0",
        "- nameless error: typed, without a file's name; must be 0",
        "- traceback: any other exception; must be 0",
        "",
        "| outcome | inputs |",
        "|---|---:|",
        *(f"| {kind} | {count:,} |" for kind, count in shown.items()),
    ]
    for key in ("example", "damage"):
        pivot = table.pivot_table(index=key, columns="outcome", values="count", aggfunc="sum", fill_value=0)
        pivot = pivot.reindex(columns=list(KINDS), fill_value=0)
        lines += ["", f"| {key} | " + " | ".join(KINDS) + " |", "|---|" + "---:|" * len(KINDS)]
        lines += [
            f"| {name} | " + " | ".join(f"{int(n):,}" for n in row) + " |"
            for name, row in zip(pivot.index, pivot.to_numpy())
        ]
    if faults:
        lines += ["", "Not as it must be:", "", *(f"- {fault}" for fault in faults[:200])]
    return "\n".join(lines) + "\n"


def main(
    rounds: Annotated[int, typer.Option(help="Times that every file is damaged in every way.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Where the damage is done.")] = 0,
    only: Annotated[str, typer.Option(help="Only examples with this in their name.")] = "",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(__file__).parent / "results" / "fuzz",
) -> None:
    # a damaged length must end in an error, not in the machine's last memory
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    table, faults = campaign(rounds, seed, only)
    claim_if_new(out, "measurement")
    rows = table.sort_values(["example", "damage", "outcome"])
    write_own_text(out / "results.csv", rows.to_csv(index=False))
    text = report(table, faults, rounds, seed)
    write_own_text(out / "results.md", text)
    print(text)
    if faults:
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
