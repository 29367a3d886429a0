"""Several trained runs in one table: benchmarks, both papers' tables and figures, a study over worlds."""
