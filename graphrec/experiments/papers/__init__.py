"""The experiments of both papers: trainings in, the papers' tables and figures out.

`reproduce` does all of one paper on one prepared dataset; each table and figure has a file of its own.
"""

from graphrec.experiments.papers.paper import CAUSALREC, HCR, Paper
from graphrec.experiments.papers.reproduce import Mode, Reproduction, reproduce

__all__ = ["CAUSALREC", "HCR", "Mode", "Paper", "Reproduction", "reproduce"]
