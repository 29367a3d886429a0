"""Fair tuning: every method gets as many trainings as every other, evaluated on the validation likes alone."""

from graphrec.tuning.results import Trial, Tuning
from graphrec.tuning.space import Range, Space
from graphrec.tuning.tune import SAMPLERS, tune

__all__ = ["SAMPLERS", "Range", "Space", "Trial", "Tuning", "tune"]
