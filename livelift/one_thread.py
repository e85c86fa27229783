"""Limits numpy's linear algebra to one thread; otherwise it keeps every core spinning between small products.

That was half of all that the stats station cost. To be called before numpy is imported, which reads it then.
"""

import os

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def use_one_thread() -> None:
    """Unless the environment says otherwise."""
    for name in VARIABLES:
        os.environ.setdefault(name, "1")
