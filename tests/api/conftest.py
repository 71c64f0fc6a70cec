"""Fixtures: `daemon` is shared by the tests of one file; `fresh` and `start` give a test its own."""

import os

import pytest

from forecastd_process import BIN, Daemon


@pytest.fixture(scope="session")
def binary():
    assert os.access(BIN, os.X_OK), f"{BIN} is not there: make, or set FORECASTD_BIN"
    return BIN


def _run(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("forecastd"))
    yield daemon
    try:
        daemon.stop()
    finally:
        daemon.abandon()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, binary):
    yield from _run(tmp_path_factory)


@pytest.fixture
def fresh(tmp_path_factory, binary):
    yield from _run(tmp_path_factory)


@pytest.fixture
def start(tmp_path_factory, binary):
    """start(*options, env=…) gives a daemon with options of its own."""
    made = []

    def begin(*options, env=None, folder=None):
        made.append(Daemon(folder or tmp_path_factory.mktemp("forecastd"), *options, env=env))
        return made[-1]

    yield begin
    try:
        for d in made:
            d.stop()
    finally:
        for d in made:
            d.abandon()
