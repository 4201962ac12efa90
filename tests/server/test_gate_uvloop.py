"""The gate's promises once more, on uvloop."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

import pytest

from tests.server import test_gate, test_receiver, test_receiver_endings
from tests.server.conftest import Start, receivers

uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed here")

Scenario = Callable[[Start], Awaitable[None]]
SCENARIOS: list[Scenario] = [
    scenario
    for module in (test_gate, test_receiver, test_receiver_endings)
    for name, scenario in inspect.getmembers(module, inspect.iscoroutinefunction)
    if name.startswith("test_") and list(inspect.signature(scenario).parameters) == ["start"]
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.__name__))
def test_holds_on_uvloop(scenario: Scenario) -> None:
    async def run() -> None:
        assert "uvloop" in type(asyncio.get_running_loop()).__module__
        async with receivers() as start:
            await scenario(start)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
