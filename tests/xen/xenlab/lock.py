# SPDX-License-Identifier: MIT
"""A lock between processes, so that two runs at once never make the same thing twice."""

import contextlib
import fcntl


@contextlib.contextmanager
def locked(path, progress=None):
    """Hold the lock file `path`; says so when another run has to be waited for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if progress:
                progress.say(f'waiting for another run that holds {path.name}')
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
