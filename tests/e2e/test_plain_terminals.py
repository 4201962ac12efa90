"""Terminals that know less: no UTF-8, no colours."""

import re
from dataclasses import dataclass

from tests.e2e.harness import Station, make_report
from tests.e2e.terminal import console, opened

COLOR = re.compile(rb"\x1b\[[\d;]*(?<![\d])(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[\d;]*)?m")


@dataclass(frozen=True)
class Elsewhere(Station):
    """A place with another environment."""

    extra: tuple[tuple[str, str], ...] = ()

    @property
    def environ(self) -> dict[str, str]:
        """All that the commands see of an environment."""
        return super().environ | dict(self.extra)


def test_where_the_locale_is_ascii_so_is_every_byte(station: Station) -> None:
    plain = Elsewhere(station.folder, station.database, (("LC_ALL", "C"), ("PYTHONUTF8", "0")))
    (key, _) = station.create("web-1", "Ελλάς")
    with opened(100, 30) as terminal, console(plain, terminal) as served:
        served.accept(make_report(key, hostname="ςερβερ"))
        seen = terminal.expect(r"web-1.*\d%")
        for keys, expected in (("j\r", "hostname|host "), ("h", "Memory"), ("\x1b", "host "), ("?", "Next mounts")):
            terminal.type(keys)
            seen = terminal.expect(expected, since=seen)
    assert terminal.written.isascii(), re.findall(rb"[\x80-\xff]+", terminal.written)[:5]
    assert b"?????" in terminal.written


def test_where_no_colour_is_wanted_none_is_sent(station: Station) -> None:
    plain = Elsewhere(station.folder, station.database, (("NO_COLOR", "1"),))
    (key, _) = station.create("web-1", "web-2")
    with opened(100, 30) as terminal, console(plain, terminal) as served:
        served.accept(make_report(key))
        seen = terminal.expect(r"web-1.*\d%")
        terminal.type("?")
        terminal.expect("Everything about", since=seen)
    assert COLOR.findall(terminal.written) == []
    assert b"\x1b[1m" in terminal.written  # there are still letters that stand out
