"""Waiting for facts: poll until true or a deadline, never a bare sleep."""

import os
import time

# Under sanitizers or on a loaded machine: AUTOMARK_PATIENCE=5 gives everything five times as long.
PATIENCE = float(os.environ.get("AUTOMARK_PATIENCE", "1"))


def eventually(fact, what, seconds=10.0, every=0.02):
    """The first true value of fact(); AssertionError with `what` (text or function) when none comes."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > deadline:
            words = what() if callable(what) else what
            raise AssertionError(f"not within {seconds * PATIENCE:g} s: {words}")
        time.sleep(every)


def stays(fact, what, seconds):
    """fact() must hold for the whole time; for things that must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert fact(), what() if callable(what) else what
        time.sleep(0.05)
