"""Fixtures: the built programs, a SendKit sandbox, a daemon in a folder of its own."""

import itertools
import os
import pathlib
import tempfile

import pytest
from daemon import Daemon, remove, run
from sandboxed import Sandbox
from wait import BUILD, SANITIZED


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="leave out what takes more than a second")


def pytest_configure(config):
    config.addinivalue_line("markers", "threads: many threads at once; what the thread sanitizer runs")
    config.addinivalue_line("markers", "slow: takes more than a second; --quick leaves it out")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--quick"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="--quick"))


@pytest.fixture(scope="session")
def build():
    assert os.path.exists(os.path.join(BUILD, "automark-sandbox")), f"nothing is built in {BUILD}"
    return BUILD


@pytest.fixture
def sandbox(build):
    box = Sandbox(build)
    yield box
    box.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.failed_call = report.failed


@pytest.fixture
def folder():
    """A folder of the test's own; stores hold ballast, so it goes at once."""
    path = tempfile.mkdtemp(prefix="automark-e2e-")
    yield pathlib.Path(path)
    remove(path)


def end(daemon):
    """Ends it; under a sanitizer in good order, so that leaks and races are told."""
    if daemon.process and daemon.process.poll() is None:
        if SANITIZED:
            daemon.stop(30)
        else:
            daemon.kill()
    found = [line for line in daemon.log().splitlines() if "Sanitizer" in line or "runtime error:" in line]
    assert not found, daemon.log()[-20000:]


@pytest.fixture
def daemons(build, folder, request):
    """Makes daemons, each in a folder of its own; ends them, and shows their logs after a failure."""
    made, numbers = [], itertools.count()

    def make(sandbox=None, start=True, **options):
        daemon = Daemon(build, folder / f"d{next(numbers)}", sandbox, **options)
        made.append(daemon)
        return daemon.start() if start else daemon

    yield make
    for daemon in made:
        end(daemon)
        if getattr(request.node, "failed_call", False):
            print(f"---- log of {daemon.folder.name} ----\n{daemon.log()[-20000:]}")


@pytest.fixture
def daemon(daemons, sandbox):
    """One daemon with the scenarios' rules, marking in the sandbox."""
    return daemons(sandbox)


@pytest.fixture(scope="module")
def shared(build):
    """A sandbox and a daemon for tests that only look at answers; shared by a module's tests."""
    path = tempfile.mkdtemp(prefix="automark-e2e-")
    box = Sandbox(build)
    daemon = Daemon(build, path, box).start()
    yield daemon
    end(daemon)
    box.stop()
    remove(path)


@pytest.fixture
def automark(build):
    """Runs one command: automark("check", "rules") -> returncode, stdout, stderr."""

    def call(*args, **options):
        return run(build, *args, **options)

    return call


def pytest_make_parametrize_id(val, argname):
    """Long values and those with a time in them differ from worker to worker: name them by size."""
    if isinstance(val, (str, bytes)) and len(val) > 48:
        return f"{argname}-{len(val)}"
    return None
