"""agent.sh with the HTTP clients of the field: old ones, small ones, and such that carry another's name."""

import pytest

from tests.agent.receiver import OK, Receiver, trouble
from tests.agent.shells import Box, need

KEY = "amk_" + "k3Y" * 13 + "0"

UCLIENT = """while [ $# -gt 0 ]; do
case $1 in
-O) shift ;;
--header=*) set_header="${{1#*=}}" ;;
--post-file=*) file=${{1#*=}} ;;
--timeout=* | --ca-certificate=* | -q | -4) ;;
-*) echo "wget: unrecognized option: ${{1#--}}" >&2
    printf '%s\\n' 'Usage: uclient-fetch [options] <URL>' ' --header=H' ' --post-file=FILE' ' --ca-certificate=C' >&2
    exit 1 ;;
*) url=$1 ;;
esac
shift; done
echo "Downloading '$url'" >&2
set -- -s -f ${{set_header:+-H "$set_header"}}
[ -z "${{file:-}}" ] || set -- "$@" -H 'Content-Type: application/json' --data-binary "@$file"
{curl} "$@" "$url" && exit
echo "HTTP error {status}" >&2
exit 8"""
"""What goes by the name of wget on OpenWrt: no header of the answer, the body on success alone."""

WGET2 = """case $* in *--help*) echo 'GNU Wget2 2.1.0 - multithreaded metalink/file/website downloader'
echo ' --content-on-error --user-agent'; exit 0 ;; esac
for word; do case $word in --post-file=*) file=${{word#*=}} ;; esac; done
{curl} -s --data-binary "@$file" "$word"
echo "[0] Downloading '$word' ..." >&2"""
"""Shows no status line, and writes what it has to say behind the body."""

OLD_WGET = """case $* in
*--help*) echo 'GNU Wget 1.12, a non-interactive network retriever.'; echo ' -U, --user-agent=AGENT' ;;
*--content-on-error*) printf '%s\\n' "wget: unrecognized option '--content-on-error'" 'Usage: wget [OPTION]...' '' \\
    "Try \\`wget --help' for more options." >&2; exit 2 ;;
*) exec {wget} "$@" ;;
esac"""


def without_curl(box: Box, wget: str) -> Box:
    box.bin.joinpath("curl").unlink(missing_ok=True)
    box.stub("wget", wget)
    return box


def test_openwrts_wget_delivers_reports(dash: Box, receiver: Receiver) -> None:
    without_curl(dash, UCLIENT.format(curl=need("curl"), status=404))
    done = dash.run("test", AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "took the report" in done.stdout
    assert receiver.bodies[0]["agent_key"] == KEY


@pytest.mark.parametrize(
    ("status", "word"),
    [(404, "does not know this key"), (422, "refused the report"), (503, "cannot take a report now")],
)
def test_openwrts_wget_tells_how_it_was_refused(dash: Box, receiver: Receiver, status: int, word: str) -> None:
    without_curl(dash, UCLIENT.format(curl=need("curl"), status=status))
    receiver.says(status, trouble("no"))
    done = dash.run("test", AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert word in done.stderr


def test_a_wget_that_refuses_an_option_is_told_as_such(dash: Box) -> None:
    without_curl(
        dash, "echo 'wget: unrecognized option: post-file' >&2; echo 'Usage: uclient-fetch [options]' >&2; exit 1"
    )
    done = dash.run("test", AGENTMON_URL="http://127.0.0.1:1", AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "unrecognized option: post-file: this wget cannot do it: install curl" in done.stderr


def test_a_report_that_wget2_delivered_is_no_failure(dash: Box, receiver: Receiver) -> None:
    without_curl(dash, WGET2.format(curl=need("curl")))
    done = dash.run("test", AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "took the report" in done.stdout


def test_a_wget_without_content_on_error_is_not_asked_for_it(bash: Box, receiver: Receiver) -> None:
    without_curl(bash, OLD_WGET.format(wget=need("wget")))
    assert bash.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY).returncode == 0
    receiver.says(404, trouble("Agent key not found"))
    done = bash.run(AGENTMON_URL=receiver.url, AGENTMON_KEY=KEY)
    assert "does not know this key (404)" in done.stderr


def test_a_curl_that_cannot_pin_says_so(dash: Box) -> None:
    said = "curl: option --pinnedpubkey: is unknown", "curl: try 'curl --help' or 'curl --manual' for more information"
    dash.stub("curl", "".join(f'echo "{line}" >&2; ' for line in said) + "exit 2")
    done = dash.run("test", AGENTMON_URL="https://m", AGENTMON_KEY=KEY, AGENTMON_PIN="sha256//YWJj=")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "this curl cannot check a pinned key: update it" in done.stderr


def test_gnu_wgets_advice_to_trust_nobody_is_not_the_cause(dash: Box) -> None:
    lines = "ERROR: The certificate of 'm' is not trusted.", "To connect to m insecurely, use '--no-check-certificate'."
    without_curl(
        dash, "case $* in *--help*) echo GNU Wget ;; *) " + "".join(f'echo "{x}"; ' for x in lines) + "exit 5;; esac"
    )
    done = dash.run("test", AGENTMON_URL="https://m", AGENTMON_KEY=KEY)
    assert "The certificate of 'm' is not trusted.: its certificate is not trusted here" in done.stderr


CONNECTED = ("HTTP/1.1 200 Connection Established", "HTTP/1.0 200 OK", "HTTP/1.1 200 Tunnel ready", "HTTP/2 200")


@pytest.mark.parametrize("connected", CONNECTED)
def test_behind_any_proxy_the_receivers_own_answer_counts(dash: Box, connected: str) -> None:
    answer = (
        f"{connected}\\r\\nVia: p\\r\\n\\r\\nHTTP/1.1 404 Not Found\\r\\n\\r\\n"
        + r'{"status": "error", "message": "x"}'
    )
    dash.stub("curl", f"printf '{answer}'")
    done = dash.run("test", AGENTMON_URL="https://m", AGENTMON_KEY=KEY)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "does not know this key (404)" in done.stderr


def test_behind_any_proxy_the_receivers_retry_after_counts(dash: Box) -> None:
    busy = (
        "HTTP/1.1 200 OK\\r\\n\\r\\nHTTP/1.1 503 Busy\\r\\nRetry-After: 7\\r\\n\\r\\n"
        + r'{"status": "error", "message": "x"}'
    )
    dash.stub("curl", f"printf '{busy}'; printf . >>{dash.root}/calls")
    assert "cannot take a report now (503)" in dash.run(AGENTMON_URL="https://m", AGENTMON_KEY=KEY).stderr
    assert (dash.root / "calls").read_text() == ".."
    assert "7" in (dash.root / "slept").read_text().split()


def test_the_agent_tells_its_version(box: Box) -> None:
    box.bin.joinpath("curl").unlink(missing_ok=True)
    client = {"dash": "curl"}.get(box.flavour, "wget")
    help_text = "GNU Wget --user-agent" if box.flavour == "bash" else "BusyBox post-file --user-agent"
    box.stub(
        client,
        f"""case $* in *--help*) echo '{help_text}'; exit ;; esac
printf '%s\\n' "$*" >>{box.root}/argv; echo '{OK.decode()}'""",
    )
    assert box.run(AGENTMON_URL="http://m", AGENTMON_KEY=KEY).returncode == 0
    assert "agentmon-agent/0.2.0 (sh; linux)" in (box.root / "argv").read_text()
