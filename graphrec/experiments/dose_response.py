"""Dose and response: the same methods on worlds that differ in the strength of one bias, evaluated by the truth.

A study varies one parameter of a simulated world; its values are the doses. For each dose and each seed a world is
drawn, every method is trained on its log and evaluated by the world's truth. The unit of replication is the world:
intervals are over seeds.
"""

from __future__ import annotations

import json
import logging
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from graphrec.causal import label
from graphrec.data.prepare import prepare_once
from graphrec.errors import GraphrecError, MismatchError
from graphrec.evaluation.baselines import ORACLE, baseline_scorers
from graphrec.evaluation.metrics import InterventionalNDCG, describe
from graphrec.evaluation.result_sets import TRUTH_SETS
from graphrec.evaluation.summary import summarise
from graphrec.evaluation.truth import evaluate_by_truth
from graphrec.experiments.benchmark import evaluate_missing
from graphrec.report.primitives.tables import cell, metric_label
from graphrec.runs.build import prepare_split
from graphrec.runs.code_versions import warn_of_other_code
from graphrec.runs.folder import complete_run
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.simulation import simulate, worlds
from graphrec.simulation.truth import Truth
from graphrec.system.environment import Environment
from graphrec.system.integrity import read_own_json
from graphrec.system.owned_folder import claim_if_new, write_own_json, write_own_text
from graphrec.system.processes import in_processes

logger = logging.getLogger(__name__)

METRICS = ("ndcg_do@50", "regret_do@50", "rank_correlation_do", "leakage_do")
OBSERVATIONAL, INTERVENTIONAL = f"{ORACLE}as observed", f"{ORACLE}true effect"
"""What the two oracles are called, whatever the study's target."""


@dataclass(frozen=True)
class DoseResponseStudy:
    """What is varied, what is trained, and what is measured.

    Args:
        parameter: the world's setting that is varied, such as `strength`.
        values: of the parameter, one a dose.
        recipe: the recipe file of every method.
        methods: by name the settings (`key.sub=value`) that make the recipe that method's.
        world: other settings of the world.
        target: what the truth is about, see `evaluate_by_truth`.
        source, simulator: the data source and the world, by their registered names.

    Example:
        >>> from pathlib import Path
        >>> from graphrec.experiments.dose_response import DoseResponseStudy
        >>> methods = {"CT": ("decoder.name=ct",), "HCR": ("decoder.name=hcr",)}
        >>> study = DoseResponseStudy("strength", (0.0, 4.0, 8.0), Path("recipe.toml"), methods)
        >>> study.simulator, study.target
        ('tiktok', 'like')
    """

    parameter: str
    values: tuple[float, ...]
    recipe: Path
    methods: Mapping[str, tuple[str, ...]]
    world: Mapping[str, Any] = field(default_factory=dict)
    target: str = "like"
    source: str = "tiktok"
    simulator: str = "tiktok"


def run_study(study: DoseResponseStudy, out: Path, seeds: Sequence[int], *, jobs: int = 1) -> pd.DataFrame:
    """Run the study; what is in `out` already is not repeated.

    Writes `worlds.csv` (a row a world and method), `results.csv` and `results.md` (means over seeds with 95 %
    t-intervals), `about.json` (what was done, and with which versions), and returns the table of means. A method that
    fails in a world is logged and left out there.

    Args:
        seeds: of world and training alike; seed-major order, so that whole curves come early.
        jobs: worlds at a time, each in a process with one thread.

    Raises:
        MismatchError: `out` has a world's trainings of another recipe or other data; nothing there was replaced.

    Example:
        >>> from pathlib import Path
        >>> from graphrec.experiments.dose_response import DoseResponseStudy, run_study
        >>> Path("recipe.toml").write_text(recipe.to_toml()) > 0
        True
        >>> methods = {"CT": ("decoder.name=ct", "backbone.name=mf", "training.epochs=1")}
        >>> world = {"users": 40, "items": 60, "shown": 20}
        >>> study = DoseResponseStudy("strength", (8.0,), Path("recipe.toml"), methods, world)
        >>> run_study(study, Path("out"), [0])["method"].tolist()
        ['popularity (clicks)', 'oracle: as observed', 'oracle: true effect', 'CT']
    """
    claim_if_new(out, "study")
    tasks = [(study, dose, seed, out) for seed in seeds for dose in study.values]
    rows: list[dict[str, Any]] = []
    for done, of_world in enumerate(_in_turn(tasks, jobs), start=1):
        rows += of_world
        dose, seed = of_world[0]["dose"], of_world[0]["seed"]
        logger.info("%d of %d worlds: %s %g, seed %d", done, len(tasks), study.parameter, dose, seed)
    runs = (complete_run(_world_folder(*task) / "runs" / method) for task in tasks for method in study.methods)
    warn_of_other_code([run for run in runs if run is not None])
    # Processes end in any order; the files must not depend on it.
    measured = pd.DataFrame(rows).sort_values(["dose", "seed"], kind="stable")
    table = over_seeds(measured)
    for name, text in (
        ("worlds.csv", measured.to_csv(index=False)),
        ("results.csv", table.to_csv(index=False)),
        ("results.md", study_markdown(table, study.parameter)),
        ("about.json", json.dumps(_about(study, seeds), indent=2) + "\n"),
    ):
        write_own_text(out / name, text)
    return table


def over_seeds(measured: pd.DataFrame) -> pd.DataFrame:
    """Mean over worlds of each dose and method, with a 95 % t-interval; NaN ends for a single world.

    Example:
        >>> import pandas as pd
        >>> from graphrec.experiments.dose_response import METRICS, over_seeds
        >>> worlds = pd.DataFrame({"dose": 0.0, "method": "CT", **dict.fromkeys(METRICS, [0.2, 0.3])})
        >>> over_seeds(worlds)[["worlds", "ndcg_do@50", "ndcg_do@50_low", "ndcg_do@50_high"]].round(2).values.tolist()
        [[2.0, 0.25, -0.39, 0.89]]
    """
    rows = []
    for (dose, method), group in measured.groupby(["dose", "method"], sort=False):
        row: dict[str, Any] = {"dose": dose, "method": method, "worlds": len(group)}
        for metric in METRICS:
            values = group[metric].dropna().to_numpy()
            mean = values.mean() if len(values) else np.nan
            half = np.nan
            if len(values) > 1:
                half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
            row |= {metric: mean, f"{metric}_low": mean - half, f"{metric}_high": mean + half}
        rows.append(row)
    return pd.DataFrame(rows)


def study_markdown(table: pd.DataFrame, parameter: str) -> str:
    """For each measure a table: a row a method, a column a dose, and below it what the observational oracle loses.

    Example:
        >>> import pandas as pd
        >>> from graphrec.experiments.dose_response import METRICS, over_seeds, study_markdown
        >>> methods = ["oracle: as observed", "oracle: true effect"]
        >>> worlds = pd.DataFrame({"dose": 8.0, "method": methods, **dict.fromkeys(METRICS, [0.3, 0.4])})
        >>> for line in study_markdown(over_seeds(worlds), "strength").splitlines()[2:7]:
        ...     print(line)
        | method | strength 8 |
        |---|---|
        | oracle: as observed | .3000 [–, –] |
        | oracle: true effect | .4000 [–, –] |
        | *lost by the observational oracle* | 25.0% |
    """
    doses = sorted(table["dose"].unique())
    text = []
    for metric in METRICS:
        text.append(f"**{metric_label(metric)}**\n")
        text.append("| method | " + " | ".join(f"{parameter} {dose:g}" for dose in doses) + " |")
        text.append("|" + "---|" * (len(doses) + 1))
        for method in table["method"].unique():
            at = table[table["method"] == method].set_index("dose")
            cells = [cell(at.loc[dose], metric) if dose in at.index else "–" for dose in doses]
            text.append(f"| {method} | " + " | ".join(cells) + " |")
        if describe(metric).metric is InterventionalNDCG:
            means = table.set_index(["method", "dose"])[metric]
            lost = [1 - means[OBSERVATIONAL, dose] / means[INTERVENTIONAL, dose] for dose in doses]
            text.append("| *lost by the observational oracle* | " + " | ".join(f"{share:.1%}" for share in lost) + " |")
        text.append("")
    return "\n".join(text)


def _about(study: DoseResponseStudy, seeds: Sequence[int]) -> dict[str, Any]:
    return {
        "parameter": study.parameter,
        "values": study.values,
        "seeds": list(seeds),
        "target": study.target,
        "world": worlds.get(study.simulator).Config(**study.world).model_dump(exclude={study.parameter, "seed"}),
        "recipe": tomllib.loads(study.recipe.read_text(encoding="utf-8")),
        "methods": study.methods,
        "environment": asdict(Environment()),
    }


def _one_world(study: DoseResponseStudy, dose: float, seed: int, out: Path) -> list[dict[str, Any]]:
    """Draw one world, train and evaluate every method in it; a row a method and estimand, and a row a baseline."""
    folder = _world_folder(study, dose, seed, out)
    raw = folder / "raw"
    # `simulate` writes its folder in one step, so a world that is there is whole.
    if not (raw / "truth").is_dir():
        simulate(study.simulator, raw, **{**study.world, study.parameter: dose, "seed": seed})
    prepared = prepare_once(study.source, raw, folder / "prepared")
    rows = []
    for method, settings in study.methods.items():
        chosen = [f"data.path={prepared}", f"seed={seed}", f"name={method}", *settings]
        try:
            run = train(Recipe.from_toml(study.recipe, chosen), folder / "runs" / method)
            rows += _rows(run, raw, study)
        except MismatchError:  # results of other recipes or data are not to be replaced
            raise
        except GraphrecError as error:
            logger.error("%s failed at %s %g, seed %d: %s", method, study.parameter, dose, seed, error)
    # The baselines need the data and the split, which the methods share.
    any_recipe = Recipe.from_toml(study.recipe, [f"data.path={prepared}", *next(iter(study.methods.values()))])
    world = {"dose": dose, "seed": seed}
    return [world | row for row in [*_baselines(any_recipe, raw, study, folder / "baselines.json"), *rows]]


def _world_folder(study: DoseResponseStudy, dose: float, seed: int, out: Path) -> Path:
    return out / f"{study.parameter}-{dose:g}" / f"seed-{seed}"


def _rows(run: Run, raw: Path, study: DoseResponseStudy) -> list[dict[str, Any]]:
    """A row for each of `MethodNames.in_tables`."""
    result_set = TRUTH_SETS[study.target]
    evaluate_missing(run, run.variants().values(), result_set, raw)
    return [
        {"method": name, "estimand": label(estimand)}
        | {metric: run.results[result_set, estimand].metrics[metric]["mean"] for metric in METRICS}
        | {"epochs": run.manifest["epochs"], "best_epoch": run.manifest["best_epoch"]}
        for name, estimand in run.names.in_tables().items()
    ]


def _baselines(recipe: Recipe, raw: Path, study: DoseResponseStudy, file: Path) -> list[dict[str, Any]]:
    """Popularity and the two oracles, between which every method is expected; kept in `file`."""
    if file.is_file():
        return read_own_json(file)
    split = prepare_split(recipe)
    truth = Truth.load(raw).align(split.dataset.user_ids, split.dataset.item_ids)
    rows = []
    excluded = split.train_pairs("click")
    for name, scorer in baseline_scorers(split, truth, study.target, (OBSERVATIONAL, INTERVENTIONAL)).items():
        summary = summarise(evaluate_by_truth(scorer, truth, excluded, target=study.target))
        rows.append({"method": name, "estimand": "", **{metric: summary[metric]["mean"] for metric in METRICS}})
    write_own_json(file, rows)
    return rows


def _in_turn(tasks: Sequence[tuple[DoseResponseStudy, float, int, Path]], jobs: int) -> Iterable[list[dict[str, Any]]]:
    if jobs == 1:
        for task in tasks:
            yield _one_world(*task)
        return
    yield from in_processes(_one_world, tasks, jobs)
