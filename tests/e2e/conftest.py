"""Fixtures: the built programs, a SendKit sandbox, a daemon in a folder of its own."""

import os
import pathlib

import pytest
from sandboxed import Sandbox

HERE = pathlib.Path(__file__).resolve().parent


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="leave out what takes more than a few seconds")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds; --quick leaves it out")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--quick"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="--quick"))


@pytest.fixture(scope="session")
def build():
    folder = os.environ.get("AUTOMARK_BUILD", str(HERE / "../../build"))
    assert os.path.exists(os.path.join(folder, "automark-sandbox")), f"nothing is built in {folder}"
    return os.path.abspath(folder)


@pytest.fixture
def sandbox(build):
    box = Sandbox(build)
    yield box
    box.stop()
