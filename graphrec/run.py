"""A run: a recipe carried out, and the folder that holds all of it:

    recipe.toml             resolved recipe
    run.json                status, versions, hashes, sizes, cost
    history.jsonl           a line an epoch
    training.safetensors    only while training: weights, optimiser, state; a stopped run goes on from here
    weights.safetensors     trained parameters
    tables.safetensors      representations of all users and items, training pairs; scoring needs nothing else
    users.parquet, items.parquet      row number -> external id
    ledger.jsonl            a line for each opening of the test part
    metrics.json, per_user/PART-ESTIMAND.parquet      after `evaluate`

`run.json` is written last: only a run whose status is complete is ever opened.
"""

from __future__ import annotations

import json
import platform
import resource
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from graphrec.backbones import Representation
from graphrec.causal import Estimand, label, parse_estimand
from graphrec.data.checks import audit_leaks
from graphrec.data.dataset import InteractionDataset, index_of
from graphrec.data.split import Split, make_split
from graphrec.data.store import fingerprint, load
from graphrec.decoders import Context, Decoder, decoders
from graphrec.errors import DataError, GraphrecError, RecipeError, RunError, UnknownNameError
from graphrec.evaluation.metrics import summarise
from graphrec.evaluation.ranking import PairIndex, evaluate, rank_all
from graphrec.evaluation.truth import judge_by_truth
from graphrec.export.embeddings import export_model
from graphrec.files import read_json, replace_file, write_json
from graphrec.graph.build import InteractionGraph
from graphrec.recipe import Recipe
from graphrec.recommender import FrozenModel, Recommender
from graphrec.simulate.truth import Truth
from graphrec.training.checkpoint import load_weights, resume_training, save_training, save_weights
from graphrec.training.loop import Trainer, TrainingState

MANIFEST = "run.json"
CHECKPOINT = "training.safetensors"
CHECKPOINT_SECONDS = 20.0


def load_data(recipe: Recipe) -> InteractionDataset:
    """The dataset of a recipe, with the recipe's feedback, roles and modalities.

    Raises:
        DataError, UnknownNameError: no such dataset, behaviour or modality.
    """
    dataset = load(Path(recipe.data.path)).with_feedback(recipe.data.feedback)
    for where, names in (
        ("data.roles", recipe.data.roles),
        ("data.modalities", recipe.data.modalities or ()),
    ):
        for name in names:
            if name not in dataset.features:
                raise UnknownNameError("modality", name, dataset.features, where=where)
    kept = recipe.data.modalities if recipe.data.modalities is not None else tuple(dataset.features)
    roles = {name: role for name, role in (dict(dataset.roles) | recipe.data.roles).items() if name in kept}
    return replace(dataset, features={name: dataset.features[name] for name in kept}, roles=roles)


def prepare_split(recipe: Recipe) -> Split:
    """Load, split, and refuse a split that leaks."""
    split = make_split(load_data(recipe), recipe.split)
    leaks = [finding for finding in audit_leaks(split) if finding.severity == "error"]
    if leaks:
        raise DataError(
            f"the split leaks: {leaks[0].message}", got=leaks[0].example, next_step=leaks[0].next_step
        )
    return split


def context_of(split: Split, embedding_size: int) -> Context:
    """The modalities' roles, as decoders see them."""
    roles = split.dataset.roles
    return Context(
        exposure=tuple(name for name in split.dataset.features if roles.get(name) == "exposure"),
        content=tuple(name for name in split.dataset.features if roles.get(name, "content") == "content"),
        embedding_size=embedding_size,
    )


def build(recipe: Recipe, split: Split) -> tuple[Recommender, InteractionGraph]:
    """The untrained model of a recipe and the graph that it sees.

    Raises:
        RecipeError, IdentificationError: the parts, the device or an estimand do not fit together.
    """
    device = _usable(recipe.training.device)
    graph = InteractionGraph.from_split(split)
    config = recipe.backbone_config()
    model = Recommender(
        recipe.backbone["name"],
        config,
        recipe.decoder["name"],
        recipe.decoder_config(),
        graph,
        context_of(split, config.embedding_size),
        recipe.seed,
    )
    for estimand in recipe.estimands():
        estimand.identify(model.decoder.outcome)
    return (model, graph) if device == "cpu" else (model.to(device), graph.to(device))


def train(
    recipe: Recipe,
    out: str | Path,
    *,
    on_epoch: Callable[[TrainingState], None] = lambda state: None,
    resume: bool = True,
) -> Run:
    """Carry out a recipe up to the trained model; the test part stays locked.

    Args:
        recipe: what to do.
        out: the run's folder. A run of the same recipe that was interrupted there goes on from its last
            checkpoint; a complete one is returned as it is.
        on_epoch: called after each epoch.
        resume: False starts anew.

    Raises:
        RunError: `out` holds another recipe's run, or something that is no run.
    """
    out = Path(out)
    if _same_run(out, recipe) and resume:
        run = _complete_run(out)
        if run is not None:
            return run
    split = prepare_split(recipe)
    model, graph = build(recipe, split)

    def validate(model: Recommender) -> dict[str, float]:
        estimand = next(iter(model.decoder.variants().values()))
        return _mean_metrics(model.freeze(graph), estimand, split, split.valid, recipe.evaluation.k)

    trainer = Trainer(model, graph, recipe.training, recipe.seed, validate)
    checkpoint = out / CHECKPOINT
    manifest = _manifest(recipe, split, model)
    if resume and checkpoint.is_file():
        _require_same_data(out, manifest)
        resume_training(checkpoint, trainer)
    else:
        _clear(out)
    with replace_file(out / "recipe.toml") as part:
        part.write_text(recipe.to_toml(), encoding="utf-8")
    write_json(out / MANIFEST, manifest | {"status": "training"})
    saved = time.monotonic()

    def after_epoch(state: TrainingState) -> None:
        nonlocal saved
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save_training(checkpoint, trainer)
            saved = time.monotonic()
        on_epoch(state)

    state = trainer.run(after_epoch)
    _save(out, model.freeze(graph), model, split, state)
    checkpoint.unlink(missing_ok=True)
    write_json(
        out / MANIFEST,
        manifest
        | {
            "status": "complete",
            "epochs": state.epoch,
            "best_epoch": state.best_epoch,
            "best_" + recipe.training.monitor: state.best_value,
            "training_seconds": round(state.seconds, 2),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        },
    )
    return Run(out)


class Run:
    """A complete run folder: evaluate it, ask it for recommendations, export it.

    Raises:
        RunError: not a run folder, or its training has not finished.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / MANIFEST).is_file():
            raise RunError(
                "not a run folder",
                expected=f"a folder with {MANIFEST}",
                where=self.folder,
                next_step="graphrec train RECIPE.toml --out RUN",
            )
        self.manifest: dict[str, Any] = read_json(self.folder / MANIFEST)
        if not isinstance(self.manifest, dict):
            raise _damaged(self.folder / MANIFEST, "not a JSON object")
        if self.manifest.get("status") != "complete":
            raise RunError(
                "the run's training has not finished",
                got=f"status {self.manifest.get('status')}",
                where=self.folder,
                next_step="call `graphrec train` again with the same recipe and --out: it goes on from there",
            )
        self.recipe = Recipe.from_toml(self.folder / "recipe.toml")

    @property
    def name(self) -> str:
        return self.recipe.name

    @cached_property
    def user_ids(self) -> np.ndarray:
        """`[U]` external ids; row number = user number."""
        return _read_ids(self.folder / "users.parquet")

    @cached_property
    def item_ids(self) -> np.ndarray:
        """`[I]` external ids; row number = item number."""
        return _read_ids(self.folder / "items.parquet")

    @cached_property
    def _tables(self) -> dict[str, torch.Tensor]:
        return load_weights(self.folder / "tables.safetensors")[0]

    @property
    def seen(self) -> np.ndarray:
        """`[E, 2]` training pairs, which are not recommended again."""
        return self._tables["train_pairs"].numpy().astype(np.int64)

    @cached_property
    def model(self) -> FrozenModel:
        """The trained tables, ready to score.

        Raises:
            RunError: a file of the run is missing or damaged.
        """
        context = Context(**{key: tuple(value) for key, value in self.manifest["modalities"].items()},
                          embedding_size=self.recipe.backbone_config().embedding_size)  # fmt: skip
        decoder: Decoder = decoders.get(self.recipe.decoder["name"])(self.recipe.decoder_config(), context)
        weights, _ = load_weights(self.folder / "weights.safetensors")
        own = {name.removeprefix("decoder."): w for name, w in weights.items() if name.startswith("decoder.")}
        try:
            decoder.load_state_dict(own)
        except RuntimeError as error:
            raise _damaged(self.folder / "weights.safetensors", str(error)[:300]) from None
        representations: dict[str, dict[str, Representation]] = {}
        for key in self._tables:
            if key.endswith("/user"):
                tower, output = key.removesuffix("/user").split("/")
                representations.setdefault(tower, {})[output] = Representation(
                    self._tables[key], self._tables[f"{tower}/{output}/item"]
                )
        with torch.no_grad():
            return FrozenModel(representations, decoder.eval().branches(representations), decoder)

    @property
    def history(self) -> list[dict[str, Any]]:
        """A dict an epoch."""
        return [json.loads(line) for line in (self.folder / "history.jsonl").read_text().splitlines()]

    def variants(self) -> dict[str, Estimand]:
        """What is reported by default: the recipe's estimands, or else the decoder's variants, by name."""
        named = {_display(estimand, self.model.decoder): estimand for estimand in self.recipe.estimands()}
        return named or self.model.decoder.variants()

    def evaluate(
        self, estimands: Sequence[str | Estimand] = (), *, part: str = "test", reason: str = "evaluate"
    ) -> pd.DataFrame:
        """All-items ranking metrics on the held-out likes, under each estimand, without retraining.

        Args:
            estimands: names as on the command line (`total_indirect_effect:strength=0,0.5,1` is a sweep), or
                estimands; by default `variants()`.
            part: `test` or `valid`. Each opening of the test part is written to the run's ledger.
            reason: for the ledger.

        Returns:
            One row an estimand: `method`, `estimand`, `users`, and for each metric its mean and the ends of
            its 95 % interval (`ndcg@50`, `ndcg@50_low`, `ndcg@50_high`). Per-user values go to `per_user/`.

        Raises:
            RunError: the data is not what the run was trained on.
            RecipeError: the decoder lacks a part that an estimand needs.
            IdentificationError: an estimand is not identified on the decoder's causal graph.
        """
        if part not in ("test", "valid"):
            raise UnknownNameError("part", part, ("test", "valid"), where="part")
        chosen = self._choose(estimands)
        scorers = {name: self.model.scorer(estimand) for name, estimand in chosen.items()}
        split = self.split()
        positives = split.valid if part == "valid" else split.open_test(reason, self.folder / "ledger.jsonl")
        rows, record = [], self.metrics()
        for name, scorer in scorers.items():
            per_user = evaluate(
                scorer,
                positives,
                split.train_pairs("click"),
                num_users=self.model.num_users,
                bytes_per_user=scorer.bytes_per_user(),
                cutoffs=self.recipe.evaluation.k,
            )
            text = label(chosen[name])
            self._keep_per_user(per_user, part, text)
            summary = summarise(per_user)
            record[f"{part}/{text}"] = {"method": name, "estimand": text, "part": part, "metrics": summary}
            rows.append(table_row(name, text, summary))
        write_json(self.folder / "metrics.json", record)
        return pd.DataFrame(rows)

    def evaluate_truth(self, truth: str | Path, estimands: Sequence[str | Estimand] = ()) -> pd.DataFrame:
        """Judge the ranking by the truth of the simulated world behind the data; the test part stays closed.

        Args:
            truth: folder that `simulate` wrote (or the `truth` folder in it).
            estimands: as in `evaluate`.

        Returns:
            As `evaluate`, with `ndcg_do@50` (likes drawn under do(item), items not in train) and
            `regret_do@50` (share of the best list's expected likes that is lost; lower is better).
        """
        known = Truth.load(Path(truth)).align(self.user_ids, self.item_ids)
        rows, record = [], self.metrics()
        for name, estimand in self._choose(estimands).items():
            scorer = self.model.scorer(estimand)
            per_user = judge_by_truth(scorer, known, self.seen, bytes_per_user=scorer.bytes_per_user())
            text = label(estimand)
            self._keep_per_user(per_user, "truth", text)
            summary = summarise(per_user)
            record[f"truth/{text}"] = {"method": name, "estimand": text, "part": "truth", "metrics": summary}
            rows.append(table_row(name, text, summary))
        write_json(self.folder / "metrics.json", record)
        return pd.DataFrame(rows)

    def metrics(self) -> dict[str, Any]:
        """What `evaluate` has found so far, by part and estimand."""
        path = self.folder / "metrics.json"
        return read_json(path) if path.is_file() else {}

    def per_user(self, estimand: str, part: str = "test") -> pd.DataFrame:
        """The per-user metrics of an estimand that has been evaluated."""
        path = self.folder / "per_user" / _per_user_file(part, estimand)
        if not path.is_file():
            raise RunError("not evaluated yet", got=f"`{estimand}` on {part}", where=self.folder,
                           next_step="graphrec evaluate RUN --estimand NAME")  # fmt: skip
        return pd.read_parquet(path)

    def recommend(
        self, users: Iterable[str], k: int = 20, *, estimand: str | Estimand | None = None, seen: bool = False
    ) -> pd.DataFrame:
        """The best items for the given users.

        Args:
            users: external ids.
            k: list length.
            estimand: by default the decoder's own.
            seen: True admits items of the training part.

        Returns:
            Columns `user`, `rank` (from 1), `item` (external ids), `score` (comparable within a user only).

        Raises:
            UnknownIdError: names the ids that were not in the training data.
        """
        wanted = list(map(str, users))
        if k < 1:
            raise RunError("the list is too short", expected="at least 1 item", got=k, where="k")
        chosen = self._choose([estimand]) if estimand else self.model.decoder.variants()
        if estimand and len(chosen) > 1:
            raise RecipeError(
                "one list is made under one estimand", expected="one value an option", got=f"`{estimand}`",
                where="estimand", next_step="call once for each of " + ", ".join(chosen),
            )  # fmt: skip
        rows = index_of(self.user_ids, wanted, "user")
        scorer = self.model.scorer(next(iter(chosen.values())))
        excluded = PairIndex(np.empty((0, 2), dtype=np.int64) if seen else self.seen, len(self.user_ids))
        tables, at = [], 0
        for block, scores, best in rank_all(
            scorer, rows, k, excluded, bytes_per_user=scorer.bytes_per_user()
        ):
            values = scores.gather(1, best).numpy().ravel()
            kept = np.isfinite(values)
            names = np.repeat(np.asarray(wanted[at : at + len(block)], dtype=object), best.shape[1])
            table = pd.DataFrame(
                {
                    "user": names,
                    "rank": np.tile(np.arange(1, best.shape[1] + 1), len(block)),
                    "item": self.item_ids[best.numpy().ravel()],
                    "score": values,
                }
            )
            tables.append(table[kept])
            at += len(block)
        columns = ["user", "rank", "item", "score"]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

    def export(self, out: str | Path, format: str = "parquet") -> Path:
        """Write user and item tables of every representation and branch, with ids; see `graphrec.export`."""
        about = {"run": self.name, "decoder": self.recipe.decoder, "dataset": self.manifest["dataset"]}
        return export_model(self.model, self.user_ids, self.item_ids, Path(out), format, about)

    def split(self) -> Split:
        """The split the run was trained on, made again from the data and checked against the run's record.

        Raises:
            RunError: the data has changed.
            DataError: the data is gone or damaged.
        """
        split = prepare_split(self.recipe)
        if split.hash != self.manifest["split_hash"]:
            raise RunError(
                "the data is not what this run was trained on",
                expected=f"split {self.manifest['split_hash'][:12]}",
                got=f"split {split.hash[:12]}",
                where=self.recipe.data.path,
                next_step="prepare the same raw data again, or train a new run",
            )
        return split

    def _choose(self, estimands: Sequence[str | Estimand]) -> dict[str, Estimand]:
        if not estimands:
            return self.variants()
        found: list[Estimand] = []
        for one in estimands:
            found.extend(parse_estimand(one) if isinstance(one, str) else [one])
        return {_display(estimand, self.model.decoder): estimand for estimand in found}

    def _keep_per_user(self, per_user: pd.DataFrame, part: str, text: str) -> None:
        with replace_file(self.folder / "per_user" / _per_user_file(part, text)) as path:
            per_user.assign(user=self.user_ids[per_user["user"]]).to_parquet(path, index=False)


def compare(runs: Sequence[Run], part: str = "test") -> pd.DataFrame:
    """One table over runs that were evaluated on the same held-out pairs.

    Returns:
        The rows of each run's `evaluate`, with `run` in front.

    Raises:
        RunError: a run was not evaluated, or the runs do not share their split.
    """
    if part not in ("test", "valid", "truth"):
        raise UnknownNameError("part", part, ("test", "valid", "truth"), where="part")
    hashes = {run.manifest["split_hash"] for run in runs}
    if len(hashes) > 1:
        raise RunError(
            "the runs cannot be compared: they were trained on different splits or data",
            expected="one split for all",
            got=", ".join(f"{run.folder}: split {run.manifest['split_hash'][:12]}" for run in runs),
            next_step="train them on the same prepared data with the same [data] and [split]",
        )
    rows = []
    for run in runs:
        found = [entry for entry in run.metrics().values() if entry["part"] == part]
        if not found:
            option = {"test": "", "valid": " --part valid", "truth": " --truth WORLD"}[part]
            raise RunError(
                f"not evaluated on {part} yet",
                where=run.folder,
                next_step=f"graphrec evaluate {run.folder}{option}",
            )
        rows += [
            {"run": run.name, **table_row(entry["method"], entry["estimand"], entry["metrics"])}
            for entry in found
        ]
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Environment:
    """What a run was made with."""

    graphrec: str = version("graphrec")
    python: str = platform.python_version()
    torch: str = torch.__version__
    torch_geometric: str = version("torch-geometric")
    numpy: str = np.__version__
    platform: str = f"{platform.system()} {platform.machine()}"


def _manifest(recipe: Recipe, split: Split, model: Recommender) -> dict[str, Any]:
    context = model.decoder.context
    return {
        "schema": 1,
        "name": recipe.name,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "environment": Environment().__dict__,
        "threads": torch.get_num_threads(),
        "dataset": split.dataset.name,
        "simulated": "simulated" in split.dataset.provenance,
        "dataset_fingerprint": fingerprint(Path(recipe.data.path)),
        "split_hash": split.hash,
        "counts": split.counts,
        "modalities": {"exposure": context.exposure, "content": context.content},
        "single_behaviour": split.dataset.single_behaviour,
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def _save(out: Path, frozen: FrozenModel, model: Recommender, split: Split, state: TrainingState) -> None:
    save_weights(out / "weights.safetensors", model.state_dict())
    tables = {
        f"{tower}/{output}/{side}": getattr(one, side)
        for tower, outputs in frozen.representations.items()
        for output, one in outputs.items()
        for side in ("user", "item")
    }
    pairs = torch.from_numpy(split.train_pairs("click").astype(np.int32))
    save_weights(out / "tables.safetensors", {**tables, "train_pairs": pairs})
    for name, ids in (("users", split.dataset.user_ids), ("items", split.dataset.item_ids)):
        with replace_file(out / f"{name}.parquet") as part:
            pd.DataFrame({"id": ids.astype(str)}).to_parquet(part, index=False)
    with replace_file(out / "history.jsonl") as part:
        part.write_text("".join(json.dumps(row) + "\n" for row in state.history))


def _same_run(out: Path, recipe: Recipe) -> bool:
    """True if `out` holds a run of this very recipe; an error if it holds anything else worth keeping."""
    file = out / "recipe.toml"
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not file.is_file()):
        raise RunError(
            "not a place for a run",
            expected="a new folder, or one with a run of this recipe",
            got="a file" if out.is_file() else "a folder with other content",
            where=out,
            next_step="choose another --out",
        )
    if not file.is_file():
        return False
    try:
        if Recipe.from_toml(file) == recipe:
            return True
    except GraphrecError:  # a recipe of another version, or one that names a class of its own that is gone
        pass
    if _complete_run(out) is None and not (out / CHECKPOINT).is_file():
        return False  # it failed before its first checkpoint: nothing is lost
    raise RunError(
        "the folder holds a run of another recipe",
        expected=f"a new folder, or a run of recipe `{recipe.name}` as it is now",
        got="a run whose recipe.toml differs",
        where=out,
        next_step="choose another --out, or remove the folder",
    )


def _complete_run(out: Path) -> Run | None:
    try:
        return Run(out)
    except GraphrecError:
        return None


def _require_same_data(out: Path, manifest: dict[str, Any]) -> None:
    """Going on with other data would mix two trainings into one."""
    before = read_json(out / MANIFEST)
    for key in ("dataset_fingerprint", "split_hash"):
        if before.get(key) != manifest[key]:
            raise RunError(
                "the data changed since this training was interrupted",
                expected=f"{key} {str(before.get(key))[:12]}",
                got=f"{key} {manifest[key][:12]}",
                where=out,
                next_step="prepare the same raw data again, or start anew with --no-resume",
            )


def _clear(out: Path) -> None:
    """Remove what an earlier training left; the ledger stays, as the test part was opened all the same."""
    for name in (CHECKPOINT, "metrics.json"):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / "per_user", ignore_errors=True)


def _usable(device: str) -> str:
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise RecipeError(
            f"the device `{device}` cannot be used here",
            expected="cpu" + (", or cuda" if torch.cuda.is_available() else "; torch finds no other device"),
            got=str(error).split("\n")[0][:200],
            where="training.device",
            next_step="--set training.device=cpu, or see `graphrec doctor`",
        ) from None
    return device


def _read_ids(path: Path) -> np.ndarray:
    try:
        return pd.read_parquet(path)["id"].to_numpy(dtype=object)
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path, str(error)[:300]) from None


def _damaged(path: Path, got: str) -> RunError:
    return RunError(
        "a file of the run is missing or damaged", got=got, where=path, next_step="train the run again"
    )


def _mean_metrics(
    frozen: FrozenModel, estimand: Estimand, split: Split, positives: np.ndarray, cutoffs: tuple[int, ...]
) -> dict[str, float]:
    scorer = frozen.scorer(estimand)
    table = evaluate(
        scorer,
        positives,
        split.train_pairs("click"),
        num_users=frozen.num_users,
        bytes_per_user=scorer.bytes_per_user(),
        cutoffs=cutoffs,
    )
    return {name: float(table[name].mean()) for name in table.columns if name not in ("user", "positives")}


def _display(estimand: Estimand, decoder: Decoder) -> str:
    """The published name of a variant where it has one, else the estimand's label."""
    for name, variant in decoder.variants().items():
        if variant == estimand:
            return name
    return label(estimand)


def table_row(name: str, text: str, summary: dict[str, dict[str, float]]) -> dict[str, Any]:
    """A row of a result table: method, estimand, users, and each metric with the ends of its interval."""
    row: dict[str, Any] = {"method": name, "estimand": text, "users": next(iter(summary.values()))["users"]}
    for metric, value in summary.items():
        row |= {metric: value["mean"], f"{metric}_low": value["low"], f"{metric}_high": value["high"]}
    return row


def _per_user_file(part: str, estimand: str) -> str:
    return f"{part}-{estimand.replace(':', '_').replace('/', '_')}.parquet"
