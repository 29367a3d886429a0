"""Several recipes on one dataset, carried out, judged and put in one table: what the scripts in `benchmarks/` call."""

from graphrec.benchmark.carry_out import run_benchmark, titled
from graphrec.benchmark.failures import keep_results, shown_reason, tell_failure
from graphrec.benchmark.files import report_on, values_of_users
from graphrec.benchmark.judging import judge
from graphrec.benchmark.result import BenchmarkResult, Row

__all__ = [
    "BenchmarkResult",
    "Row",
    "judge",
    "keep_results",
    "report_on",
    "run_benchmark",
    "shown_reason",
    "tell_failure",
    "titled",
    "values_of_users",
]
