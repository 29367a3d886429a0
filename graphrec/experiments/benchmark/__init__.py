"""Several recipes on one dataset, trained, evaluated and put in one table: what the scripts in `benchmarks/` call."""

from graphrec.experiments.benchmark.evaluate import evaluate_missing
from graphrec.experiments.benchmark.existing_results import ABOUT, refuse_to_lose, refuse_to_lose_method
from graphrec.experiments.benchmark.failures import report_failure
from graphrec.experiments.benchmark.files import recipe_values, report_on, values_of_users, write_values
from graphrec.experiments.benchmark.result import BenchmarkResult, BenchmarkRow
from graphrec.experiments.benchmark.run import run_benchmark, titled

__all__ = [
    "ABOUT",
    "BenchmarkResult",
    "BenchmarkRow",
    "evaluate_missing",
    "recipe_values",
    "refuse_to_lose",
    "refuse_to_lose_method",
    "report_failure",
    "report_on",
    "run_benchmark",
    "titled",
    "values_of_users",
    "write_values",
]
