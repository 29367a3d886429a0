"""Where HCR and HCR-A keep the hidden cause, in the runs of the dose-response study.

    python benchmarks/dose_response_gates.py --out runs/dose-hidden

For each dose, over seeds: how the item means of the like model's two halves go along with the hidden cause v, and for
HCR-A how far its gate sets the items with v apart from the others; the world's own equation does so by the dose. And
for all of them what the front door earns: NDCG@50 under do with it, less that of the same model's observational score.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from common import run

from graphrec.errors import RunError
from graphrec.runs.run import Run
from graphrec.simulation.truth import Truth
from graphrec.system.owned_folder import claim_if_new, write_own_text


def main(
    out: Annotated[Path, typer.Option(help="Folder of `dose_response.py hidden`.")] = Path("runs/dose-hidden"),
) -> None:
    rows = [
        {"dose": float(folder.parent.name.removeprefix("strength-")), "seed": int(folder.name.removeprefix("seed-"))}
        | facts
        for folder in sorted(out.glob("strength-*/seed-*"))
        for facts in [
            product_form(folder, "HCR") | product_form(folder, "HCR, all centred") | additive_form(folder, "HCR-A")
        ]
    ]
    if not rows:
        raise RunError(
            "no world of the study is here",
            expected="folders strength-DOSE/seed-SEED",
            where=out,
            next_step="python benchmarks/dose_response.py hidden makes them; --out names its folder",
        )
    worlds = pd.DataFrame(rows).sort_values(["dose", "seed"])
    means = worlds.drop(columns="seed").groupby("dose").mean()
    claim_if_new(out, "study")
    write_own_text(out / "gates.csv", means.round(4).to_csv())
    head = "| mean over seeds | " + " | ".join(f"strength {dose:g}" for dose in means.index) + " |"
    lines = [head, "|" + "---|" * (len(means) + 1)]
    lines += [f"| {name} | " + " | ".join(f"{value:.3f}" for value in means[name]) + " |" for name in means.columns]
    text = "\n".join(lines) + "\n"
    write_own_text(out / "gates.md", text)
    print(text)


def product_form(folder: Path, method: str) -> dict[str, float]:
    """h2's mean and spread within a user, and how h1's and h2's item means go along with v."""
    branches, v, earned = opened(folder, method)

    def logits(name: str) -> torch.Tensor:
        return branches[name].user @ branches[name].item.T

    h2 = torch.sigmoid(logits("like_exposure")) * torch.sigmoid(logits("like_content"))
    return {
        f"{method}: mean h2": float(h2.mean()),
        f"{method}: spread of h2": float(h2.std(1).mean()),
        f"{method}: correlation of h2 and v": correlation(h2.mean(0), v),
        f"{method}: correlation of h1 and v": correlation(logits("like_match").mean(0), v),
        f"{method}: NDCG@50 earned by the front door": earned,
    }


def additive_form(folder: Path, method: str) -> dict[str, float]:
    branches, v, earned = opened(folder, method)
    gate = branches["like_gate"].item[:, 0]
    return {
        f"{method}: correlation of gate and v": correlation(gate, v),
        f"{method}: gate with v less without": float(gate[v].mean() - gate[~v].mean()),
        f"{method}: NDCG@50 earned by the front door": earned,
    }


def opened(folder: Path, method: str):
    trained = Run(folder / "runs" / method)
    truth = Truth.load(folder / "raw").align(trained.user_ids, trained.item_ids)
    ndcg = [trained.results["truth", name].metrics["ndcg_do@50"]["mean"] for name in ("front_door", "observational")]
    return trained.model.branches, torch.from_numpy(truth.confounder()), ndcg[0] - ndcg[1]


def correlation(values: torch.Tensor, v: torch.Tensor) -> float:
    return float(np.corrcoef(values.numpy(), v.numpy())[0, 1])


if __name__ == "__main__":
    run(main)
