# SPDX-License-Identifier: MIT
"""Where things lie. Everything we make is below build/, nothing elsewhere."""

import pathlib

XEN_TESTS = pathlib.Path(__file__).resolve().parent.parent
ROOT = XEN_TESTS.parent.parent
BUILD = ROOT / 'build'
CACHE = BUILD / 'cache'        # downloads and what is made of them: survives `make clean`
LOG = BUILD / 'log'
RUN = BUILD / 'run'            # one folder for each run while it lasts


def shown(path):
    """The path as a person at the top of the tree would type it."""
    try:
        return str(pathlib.Path(path).resolve().relative_to(ROOT))
    except ValueError:
        return str(path)
