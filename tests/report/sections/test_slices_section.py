"""What the page shows of the analyses of a run's parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from support.trained_runs import copied

from graphrec.causal import Observational
from graphrec.evaluation.result_sets import ACTIVITY
from graphrec.report.sections.slices import slices
from graphrec.report.trained_method import methods_of
from graphrec.system.owned_folder import write_own_json


def test_in_a_slice_the_clear_winner_alone_is_best(hcr, causalrec, tmp_path):
    runs = [copied(run, tmp_path / name) for run, name in ((hcr, "one"), (causalrec, "two"))]
    users = np.arange(9)
    for run, shift in zip(runs, (0.0, 0.4)):
        write_own_json(run.folder / "metrics.json", {})
        for activity, ahead in zip(ACTIVITY, (shift, 0.0)):
            run.results.add(
                activity, "M", Observational(), pd.DataFrame({"user": users, "ndcg@50": users / 20 + ahead})
            )
    (section,) = slices(methods_of(runs))
    best = [[cell["best"] for cell in row["cells"]] for row in section["overview"]["rows"]]
    assert best == [[False, False], [True, False]]
