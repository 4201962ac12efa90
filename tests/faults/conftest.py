"""Fixtures of the tests that hurt."""

from tests.e2e.conftest import station as station
