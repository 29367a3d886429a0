"""Fair tuning: every method gets as many trainings as every other, judged on the validation likes alone."""

from graphrec.tuning.carry_out import SAMPLERS, tune
from graphrec.tuning.results import Trial, Tuning
from graphrec.tuning.space import Range, Space

__all__ = ["SAMPLERS", "Range", "Space", "Trial", "Tuning", "tune"]
