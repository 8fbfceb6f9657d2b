"""Waiting for facts: poll until true or a deadline, never a bare sleep."""

import os
import re
import time

BUILD = os.path.abspath(os.environ.get("AUTOMARK_BUILD", os.path.join(os.path.dirname(__file__), "../../build")))


def sanitized():
    """Whether the build has a sanitizer in it, by what CMake remembers."""
    try:
        with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as cache:
            return bool(re.search(r"^AUTOMARK_SANITIZE:\w+=\w", cache.read(), re.M))
    except OSError:
        return False


SANITIZED = sanitized()
# Deadlines are so many times as long: AUTOMARK_PATIENCE=5 helps on a loaded machine.
PATIENCE = float(os.environ.get("AUTOMARK_PATIENCE", "4" if SANITIZED else "1"))


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
