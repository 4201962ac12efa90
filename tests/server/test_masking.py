"""What is shown of where alerts go holds no secret."""

import pytest

from server.masking import masked_command, masked_complaint, masked_url


@pytest.mark.parametrize(
    ("private", "shown"),
    [
        ("json://user:****@127.0.0.1:8080/token/?-X-Token=secret", "json://user:****@127.0.0.1:8080/****"),
        ("ntfys://mytopic?priority=default", "ntfys://mytopic"),
        ("tgram://1...p/12315544/?image=False", "tgram://1...p/****"),
        ("slack://T...A/T...B/T...C/%23chan/", "slack://T...A/****"),
        ("mailtos://user:****@gmail.com/?smtp=smtp.gmail.com", "mailtos://user:****@gmail.com"),
        ("form://host#secret", "form://host"),
        ("form://host?a=b/secret", "form://host"),
    ],
)
def test_a_url_is_shown_without_path_and_query(private: str, shown: str) -> None:
    assert masked_url(private) == shown


@pytest.mark.parametrize(
    ("command", "name", "shown"),
    [
        ("/usr/local/bin/alert.sh", "alert.sh", "/usr/local/bin/alert.sh"),
        ("curl -H 'X-Token: secret' https://h/", "curl", "curl …"),
        ("TOKEN=secret OTHER='a b' notify-send", "notify-send", "notify-send …"),
        ("TOKEN=secret", "command", "…"),
        ("(cat; echo secret)", "command", "…"),
        ("it's secret", "command", "…"),
        ("$(secret)", "command", "…"),
        ("/", "command", "/"),
    ],
)
def test_a_command_is_shown_by_its_program(command: str, name: str, shown: str) -> None:
    assert masked_command(command) == (name, shown)


@pytest.mark.parametrize(
    ("command", "said", "shown"),
    [
        (
            "wget -q --post-file=- https://hooks.example/T0/tk_hunter2",
            "https://hooks.example/T0/tk_hunter2: 404",
            "https://****/T0/****: 404",
        ),
        ("TOKEN=tk_hunter2 curl -f http://x", "curl: bad token tk_hunter2", "curl: bad token ****"),
        (
            "/usr/local/bin/on-alert",
            "sh: 1: /usr/local/bin/on-alert: not found",
            "sh: 1: /usr/local/bin/on-alert: not found",
        ),
        ("false", "No space left on device", "No space left on device"),
    ],
)
def test_what_a_command_complains_of_holds_none_of_its_words(command: str, said: str, shown: str) -> None:
    assert masked_complaint(said, command) == shown
