"""agent.sh and the receiver's answers, with curl, GNU wget and busybox wget."""

from pathlib import Path

import pytest

from tests.agent.receiver import OK, Receiver, trouble
from tests.agent.shells import CLIENT, TOOLS, Box

KEY = "amk_secret0123"


def test_a_sent_report_is_silent_and_arrives_with_its_key(box: Box, receiver: Receiver) -> None:
    done = box.run(AGENTMON_URL=receiver.url + "/", AGENTMON_KEY=KEY)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert receiver.paths == ["/agent/report"]
    assert receiver.bodies[0]["agent_key"] == KEY
    assert receiver.bodies[0]["hostname"] == "web-1"


@pytest.mark.parametrize("key", ['quote"and\\back\\\\slash', "$HOME`id`$(id)%s'", "x" * 128])
def test_a_key_of_any_printable_characters_arrives_unchanged(box: Box, receiver: Receiver, key: str) -> None:
    assert box.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=key).returncode == 0
    assert receiver.bodies[0]["agent_key"] == key


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (404, trouble("Agent key not found"), "does not know this key (404)"),
        (422, trouble("bad cpu_usage"), "refused the report (422)"),
        (429, trouble("too many"), "cannot take a report now (429)"),
        (500, b"", "answered 500"),
        (200, b"<html>some other server</html>", "answered 200"),
        (302, b"", "answered 302"),
    ],
)
def test_each_refusal_is_one_line_and_exit_1(box: Box, receiver: Receiver, status: int, body: bytes, word: str) -> None:
    receiver.says(status, body)
    for command in ((), ("test",)):
        done = box.run(*command, AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert word in done.stderr
        assert KEY not in done.stderr
    assert len(receiver.bodies) == 2


def test_the_receivers_words_are_shown_but_cannot_steer_a_terminal(dash: Box, receiver: Receiver) -> None:
    receiver.says(422, b'{"status": "error", "message": "cpu \x1b[31m bad\xff"}')
    done = dash.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY)
    assert "(422): cpu [31m bad" in done.stderr
    assert done.stderr.strip().isprintable()


def test_test_explains_success_too(box: Box, receiver: Receiver) -> None:
    done = box.run("test", AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"agentmon-agent: the receiver at {receiver.url} took the report\n"


@pytest.mark.parametrize(
    ("asked", "calls", "slept"), [("7", 2, ["1", "7", "1"]), ("31", 1, ["1"]), ("9" * 30, 1, ["1"])]
)
def test_a_short_retry_after_is_heeded_once(
    box: Box, receiver: Receiver, asked: str, calls: int, slept: list[str]
) -> None:
    receiver.answers = [(503, trouble("disk full"), {"Retry-After": asked}), (200, OK, {})]
    if box.flavour == "busybox":  # its wget does not show the headers of an error: the next run is the retry
        calls, slept = 1, ["1"]
    done = box.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY)
    assert done.returncode == (0 if calls == 2 else 1)
    assert len(receiver.bodies) == calls
    assert (box.root / "slept").read_text().split() == slept


def test_a_receiver_that_stays_busy_is_not_hammered(dash: Box, receiver: Receiver) -> None:
    receiver.says(503, trouble("disk full"), Retry_After="1")
    assert dash.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY).returncode == 1
    assert len(receiver.bodies) == 2


def test_nobody_listening_is_said_in_one_line(box: Box) -> None:
    done = box.run(AGENTMON_URL="http://127.0.0.1:1", AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "did not answer" in done.stderr
    assert "refused" in done.stderr or "Failed to connect" in done.stderr


@pytest.mark.parametrize(
    ("complaint", "hint"),
    [
        ("curl: (6) Could not resolve host: monitor", "is the name in the URL right"),
        ("wget: bad address 'monitor'", "is the name in the URL right"),
        ("curl: (7) Failed to connect to monitor port 8420: Connection refused", "does agentmon run there"),
        ("wget: can't connect to remote host: No route to host", "no network leads there"),
        ("curl: (28) Connection timed out after 10001 milliseconds", "a firewall drops it"),
        ("curl: (35) error:0A00010B:SSL routines::wrong version number", "does it speak https"),
        ("curl: (60) SSL certificate problem: self-signed certificate\nMore details here: https://x", "is not trusted"),
        ("curl: (60) SSL certificate problem: certificate is not yet valid", "is the clock"),
        ("ERROR: The certificate of 'monitor' is not trusted.", "is not trusted here"),
        ("curl: (90) SSL: public key does not match pinned public key", "take a fresh install line"),
    ],
)
def test_a_client_that_got_no_answer_is_explained(dash: Box, complaint: str, hint: str) -> None:
    dash.write("complaint", complaint + "\n")
    client = "curl" if complaint.startswith("curl") else "wget"
    dash.bin.joinpath("curl").unlink()
    dash.stub(client, f"case $* in *--help*) echo GNU ;; *) cat {dash.root}/complaint; exit 1 ;; esac")
    done = dash.run("test", AGENTMON_URL="https://monitor:8420", AGENTMON_KEY=KEY)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    first = complaint.partition("\n")[0].removeprefix("curl: ")
    assert f"did not answer: {first}: " in done.stderr
    assert hint in done.stderr.rpartition(": ")[2]


def test_a_proxy_that_may_be_in_the_way_is_named(dash: Box) -> None:
    done = dash.run("test", AGENTMON_URL="http://monitor", AGENTMON_KEY=KEY, http_proxy="http://127.0.0.1:1")
    assert "a proxy is set" in done.stderr


@pytest.mark.parametrize("pin", ["abc", "sha256/abc=", "sha256//abc"])
def test_a_pin_that_can_be_none_is_refused(box: Box, pin: str) -> None:
    done = box.run(AGENTMON_URL="https://m", AGENTMON_KEY=KEY, AGENTMON_PIN=pin)
    assert (done.returncode, done.stderr) == (2, "agentmon-agent: a pin looks like sha256//BASE64=\n")


def test_a_pin_without_curl_is_refused(box: Box) -> None:
    done = box.run(AGENTMON_URL="https://127.0.0.1:1", AGENTMON_KEY=KEY, AGENTMON_PIN="sha256//YWJj=")
    assert done.returncode == 1
    assert ("needs curl: install it" in done.stderr) is (box.flavour != "dash")


def test_the_key_stands_in_no_argument_list_nor_environment(box: Box, receiver: Receiver) -> None:
    env = box.tool("env")
    for name in (*TOOLS.split(), CLIENT[box.flavour]):
        real = box.tool(name)  # absolute, as is env: a stub that found itself would never end
        box.stub(name, f'printf "%s\\n" "{name} $*" >>{box.root}/argv\n{env} >>{box.root}/environ\nexec {real} "$@"')
    done = box.run("test", AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY + '"')
    assert (done.returncode, done.stderr) == (0, "")
    seen = (box.root / "argv").read_text(errors="replace")
    assert f"{CLIENT[box.flavour]} " in seen
    assert KEY not in seen
    assert KEY not in (box.root / "environ").read_text()
    assert receiver.bodies[0]["agent_key"] == KEY + '"'


def test_nothing_is_left_in_the_temporary_folder(box: Box, receiver: Receiver) -> None:
    assert box.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY).returncode == 0
    assert list((box.root / "tmp").iterdir()) == []


def key_file(box: Box, mode: int, text: str = KEY + "\n") -> str:
    path = box.write("key", text)
    path.chmod(mode)
    return str(path)


def test_the_key_comes_from_a_private_file(box: Box, receiver: Receiver) -> None:
    for text in (KEY + "\n", KEY):
        done = box.run(AGENTMON_URL=receiver.url, AGENTMON_KEY_FILE=key_file(box, 0o600, text), AGENTMON_KEY="other")
        assert (done.returncode, receiver.bodies[-1]["agent_key"]) == (0, KEY)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o601])
def test_a_key_file_that_others_may_touch_is_refused(box: Box, receiver: Receiver, mode: int) -> None:
    done = box.run(AGENTMON_URL=receiver.url, AGENTMON_KEY_FILE=key_file(box, mode))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "others may read the key file" in done.stderr
    assert receiver.bodies == []


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({}, 2),
        ({"AGENTMON_URL": "http://m"}, 2),
        ({"AGENTMON_KEY": KEY}, 2),
        ({"AGENTMON_URL": "m:8420", "AGENTMON_KEY": KEY}, 2),
        ({"AGENTMON_URL": "http://m\nx", "AGENTMON_KEY": KEY}, 2),
        ({"AGENTMON_URL": "http://u:p@m", "AGENTMON_KEY": KEY}, 2),
        ({"AGENTMON_URL": "http://m", "AGENTMON_KEY": "a b"}, 1),
        ({"AGENTMON_URL": "http://m", "AGENTMON_KEY": "ü"}, 1),
        ({"AGENTMON_URL": "http://m", "AGENTMON_KEY": "a\nb"}, 1),
        ({"AGENTMON_URL": "http://m", "AGENTMON_KEY": "x" * 129}, 1),
        ({"AGENTMON_URL": "http://m", "AGENTMON_KEY_FILE": "/nowhere"}, 1),
        ({"AGENTMON_URL": "http://m", "AGENTMON_KEY_FILE": "/dev/null"}, 1),
        ({"AGENTMON_URL": "http://m", "AGENTMON_KEY": KEY, "AGENTMON_CA": "/nowhere"}, 1),
    ],
)
def test_settings_that_cannot_work_are_one_line(box: Box, environ: dict[str, str], status: int) -> None:
    done = box.run(environ=environ)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert not (box.root / "slept").exists()  # refused before anything is measured


def test_https_needs_a_client_that_checks_certificates(box: Box) -> None:
    done = box.run(AGENTMON_URL="https://127.0.0.1:1", AGENTMON_KEY=KEY)
    assert done.returncode == 1
    assert ("needs curl or GNU wget" in done.stderr) is (box.flavour == "busybox")


@pytest.mark.parametrize("args", [["--nonsense"], ["test", "more"], ["install", "--urk"], ["install", "--url"]])
def test_wrong_usage_is_exit_2(box: Box, args: list[str]) -> None:
    done = box.run(*args)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_help_tells_every_command(box: Box) -> None:
    done = box.run("--help")
    assert done.returncode == 0
    for word in ("--print", "test", "install", "status", "uninstall", "AGENTMON_URL"):
        assert word in done.stdout


def test_no_client_at_all_is_said(dash: Box) -> None:
    Path(dash.bin, "curl").unlink()
    done = dash.run(AGENTMON_URL="http://m", AGENTMON_KEY=KEY)
    assert done.stderr == "agentmon-agent: neither curl nor a wget that can post a file is here: install curl\n"
