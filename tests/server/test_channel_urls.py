"""Channel URLs as people type them: cleaned, and a hint where a character is to be written otherwise."""

import pytest

from server.channel_urls import encoding_hint, plain_url
from store.errors import ChangeRefusedError

SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "ntfy://x",
        " ntfy://x \r\n",
        "\ufeffntfy://x\r\n\r\n",
        "\n\n  ntfy://x\n\n",
        '"ntfy://x"',
        "'ntfy://x' ",
        "“ntfy://x”",
        "<ntfy://x>\u00a0",
    ],
)
def test_what_is_around_a_url_is_left_out(text: str) -> None:
    assert plain_url(text) == "ntfy://x"


@pytest.mark.parametrize(
    "url",
    [
        "slack://T1/B1/x/#general",
        "mailto://u:p@h/?to=a@b&name=The Team",
        "matrixs://u:t@h/@user:server/#room",
        "json://h:80/a@b",
        "discord://1/2?avatar=https://h/x",
        "mailto://me:p%40ss@h",
        "tgram://123:ABC/@channel",
        "slack://T1/B1/x?to=#general",
        "ntfy://a;b",
        "json://u;s:p;w@h/x",
    ],
)
def test_a_url_that_is_in_order_stays_as_it_is(url: str) -> None:
    assert plain_url(url) == url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ntfy://x\nntfy://y", "one URL at a time: these are 2 lines"),
        ("ntfy://x\r\n\r\nntfy://y\rntfy://z", "one URL at a time: these are 3 lines"),
        ("ntfy://x ntfy://y", "this line holds several"),
        ("ntfy://x,json://y", "this line holds several"),
        (f"mailtos://me:{SECRET}@ss@mail.example.org", "@ as %40"),
        (f"ntfy://to {SECRET}", "a space as %20"),
        (f"gotify://h/tok#{SECRET}", "# as %23"),
        (f"discord://1/{SECRET};x", "; as %3B"),
        (f"tgram://123:ABC#{SECRET}/1", "# as %23"),
        (f"ntfy://u:p/{SECRET}@h/topic", "/ as %2F"),
        (f"ntfy://u:p?{SECRET}@h/topic", "? as %3F"),
        (f"ntfy://u:p#{SECRET}@h/topic", "# as %23"),
    ],
)
def test_what_would_be_read_otherwise_is_refused_without_repeating_it(text: str, said: str) -> None:
    with pytest.raises(ChangeRefusedError) as caught:
        plain_url(text)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "characters"),
    [
        ("slack://tok;en#with%chars", "# as %23, % as %25"),
        ("json://u:p/w@h", "/ as %2F"),
        ("json://u:p?w@h", "? as %3F"),
        ("json://u:p#w@h/x", "# as %23"),
        ("json://u:100%@h", "% as %25"),
        ("json://u:a@b%zz@h", "@ as %40, % as %25"),
    ],
)
def test_a_hint_names_the_characters(url: str, characters: str) -> None:
    assert encoding_hint(url).endswith(f"percent-encoding: {characters}")


@pytest.mark.parametrize(
    "url", ["tgram://token", "slack://T1/B1/x/#general", "json://h:80/x@y", "json://u:a%2Fb@h", ""]
)
def test_there_is_no_hint_where_nothing_is_wrong(url: str) -> None:
    assert encoding_hint(url) == ""
