"""An error that nobody foresaw ends the console without a word: the traceback may hold keys."""

import pytest

from tests.tui.house import House
from tests.tui.standins import monitor

SECRET = "amk_of-somebody"


class DefectError(Exception):
    """What nobody foresaw."""

    def __rich__(self) -> str:
        return SECRET


@pytest.mark.parametrize("where", ["worker", "handler"])
async def test_a_defect_ends_the_console_and_is_kept_for_whoever_runs_it(
    where: str, capfd: pytest.CaptureFixture[str]
) -> None:
    house = House(monitor())

    async def fail() -> None:
        raise DefectError(SECRET)

    with pytest.raises(Exception, match=SECRET):
        async with house.app.run_test() as pilot:
            if where == "worker":
                house.app.run_worker(fail())
            else:
                house.app.call_later(fail)
            await pilot.pause()
    assert isinstance(house.app.crash, DefectError)
    assert house.app.return_code == 1
    assert SECRET not in "".join(capfd.readouterr())


async def test_a_console_that_is_left_did_not_crash() -> None:
    house = House(monitor())
    async with house.app.run_test():
        house.app.exit()
    assert house.app.crash is None
