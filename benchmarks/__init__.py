"""Benchmarks: `python -m benchmarks`. See README.md here."""

import os

# Before NumPy is first imported: everything is measured on one core.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
