"""Keys as people hand them to agent.sh: with what an editor left around them, hidden, cut, or of another origin."""

import pytest

from tests.agent.receiver import Receiver, trouble
from tests.agent.shells import Box

KEY = "amk_" + "k3Y" * 13 + "0"


@pytest.mark.parametrize("text", [KEY + "\r\n", f" {KEY}\t\r\n", KEY + "  ", KEY + "\r"])
def test_what_an_editor_leaves_around_a_key_is_not_part_of_it(box: Box, receiver: Receiver, text: str) -> None:
    path = box.root / "key"
    path.write_bytes(text.encode())
    path.chmod(0o600)
    assert box.run(AGENTMON_URL=receiver.url, AGENTMON_KEY_FILE=str(path)).returncode == 0
    assert box.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=text.strip("\n")).returncode == 0
    assert [body["agent_key"] for body in receiver.bodies] == [KEY, KEY]


@pytest.mark.parametrize("key", ["amk_" + "•" * 40, "•" * 24, "amk_…", "amk_****", "amk_" + "*" * 40])
def test_a_key_that_was_copied_while_hidden_is_told_as_such(box: Box, receiver: Receiver, key: str) -> None:
    done = box.run("test", AGENTMON_URL=receiver.url, AGENTMON_KEY=key)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "copied while it was hidden: press v or i in the console" in done.stderr
    assert receiver.bodies == []


@pytest.mark.parametrize("key", [KEY[:-1], KEY + "x", KEY[:-1] + "-", KEY[:24], KEY + ";"])
def test_a_key_of_ours_that_is_damaged_is_refused_at_once(box: Box, receiver: Receiver, key: str) -> None:
    done = box.run("test", AGENTMON_URL=receiver.url, AGENTMON_KEY=key)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"it has {len(key)} characters" in done.stderr
    assert key not in done.stderr
    assert receiver.bodies == []


@pytest.mark.parametrize("key", ["hello", "amk_mine", "sk-live/1234", "0123456789abcdef"])
def test_a_key_of_other_origin_is_sent_and_questioned_only_when_unknown(box: Box, receiver: Receiver, key: str) -> None:
    assert box.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=key).returncode == 0
    receiver.says(404, trouble("Agent key not found"))
    done = box.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=key)
    assert "it is none that agentmon made" in done.stderr
    assert "deleted" in box.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY).stderr
