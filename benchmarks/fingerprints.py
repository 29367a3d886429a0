"""Hashes of what fourteen small recipes give, so that a refactor can prove that it changed no bit.

    python benchmarks/fingerprints.py --out before.json      # at the commit to compare with
    python benchmarks/fingerprints.py --out after.json --against before.json

Six backbones, fourteen decoders and two simulated worlds, on the CPU with one thread. Of each run: the weights, the
metrics by the log and by the truth, and the exported tables. Tensors are hashed by value and counted as a set, so a
renamed weight or column is no change. Hashes are comparable on one machine with one version of torch only.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer
from safetensors.torch import load_file

import graphrec as gr
from graphrec.system.owned_folder import write_own_text

RECIPES = (
    ("tiktok", "mmgcn", "hcr"),
    ("tiktok", "mmgcn", "cr"),
    ("tiktok", "lightgcn", "ct"),
    ("tiktok", "bm3", "esmm"),
    ("tiktok", "gat", "hcr_additive"),
    ("tiktok", "freedom", "multi_dr"),
    ("tiktok", "lightgcn", "pda"),
    ("amazon", "mmgcn", "causalrec"),
    ("amazon", "mmgcn", "causalrec_likes"),
    ("amazon", "bm3", "vbpr"),
    ("amazon", "lightgcn", "amr"),
    ("amazon", "gat", "macr"),
    ("amazon", "freedom", "bpr"),
    ("amazon", "mf", "dvbpr"),
)


def main(
    out: Annotated[Path, typer.Option(help="The JSON file to write.")],
    against: Annotated[Path | None, typer.Option(help="An earlier file; exits with 1 where a hash differs.")] = None,
) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        hashes = fingerprints(Path(folder))
    write_own_text(out, json.dumps(hashes, indent=1) + "\n")
    if against is not None:
        before = json.loads(against.read_text(encoding="utf-8"))
        changed = sorted(name for name in {*before, *hashes} if before.get(name) != hashes.get(name))
        print("\n".join(f"changed: {name}" for name in changed) or f"{len(hashes)} recipes, nothing changed")
        raise typer.Exit(bool(changed))


def fingerprints(folder: Path) -> dict[str, dict[str, str]]:
    """By recipe the hashes of its weights, metrics and exported tables."""
    worlds = {}
    for world in ("tiktok", "amazon"):
        raw = gr.simulate(world, folder / world / "raw", users=120, items=200)
        worlds[world] = (raw, gr.prepare(world, raw, folder / world / "prepared"))
    hashes = {}
    for world, backbone, decoder in RECIPES:
        raw, data = worlds[world]
        recipe = gr.Recipe.from_dict(
            {
                "data": {"path": str(data)},
                "backbone": {"name": backbone, "embedding_size": 16},
                "decoder": {"name": decoder},
                "training": {"epochs": 3, "batch_size": 512, "validate_every": 1},
            }
        )
        run_folder = folder / world / f"{backbone}-{decoder}"
        run = gr.train(recipe, run_folder)
        exported = run.export(run_folder / "exported", "safetensors")
        hashes[f"{world}/{backbone}/{decoder}"] = {
            "weights": of_tensors(run_folder),
            "metrics": of_tables(run.evaluate(), run.evaluate_truth(raw), run.recommend(list(run.user_ids[:5]))),
            "tables": of_tensors(exported),
        }
    return hashes


def of_tensors(folder: Path) -> str:
    """One hash of all tensors in a folder's safetensors files, whatever they are called."""
    tensors = [tensor for file in folder.glob("*.safetensors") for tensor in load_file(file).values()]
    assert tensors, f"no safetensors in {folder}"
    return _together(str(tuple(tensor.shape)).encode() + tensor.contiguous().numpy().tobytes() for tensor in tensors)


def of_tables(*tables: pd.DataFrame) -> str:
    """One hash of the numeric columns of result tables, whatever they are called."""
    numeric = [column for table in tables for _, column in table.select_dtypes("number").items()]
    return _together(np.asarray(column, dtype=float).tobytes() for column in numeric)


def _together(parts: Any) -> str:
    digests = sorted(hashlib.sha256(part).hexdigest() for part in parts)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


if __name__ == "__main__":
    typer.run(main)
