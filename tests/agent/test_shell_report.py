"""The report of agent.sh, under each shell and set of tools, on a machine that is known to the byte."""

from pathlib import Path

import pytest

from tests.agent.shells import Box

DF = """shift 3
for m in "$@"; do printf '%s\\n' "/dev/x 1048576 471859 471859 50% $m"{filter}; done"""
COREUTILS = """ | sed "s/[$(printf '\\001-\\037')]/?/g" """
ODD = ["my disk", "it's", 'say "hi"', "back\\slash", "tab\there", "bell\x07", "mü", "$(touch pwned)", "`id`", "-n"]


def mounts(box: Box, *names: str) -> list[str]:
    """Put these folders below the root, and into the mount table as devices of their own."""
    paths = [f"{box.root}/mnt/{name}" for name in names]
    table = "/dev/sda1 / ext4 rw 0 0\n"
    for number, path in enumerate(paths):
        Path(path).mkdir(parents=True, exist_ok=True)
        escaped = path.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011").replace("\n", "\\012")
        table += f"/dev/sd{number}x {escaped} ext4 rw 0 0\n"
    box.write("proc/mounts", table)
    return paths


def test_a_known_machine_gives_a_known_report(box: Box) -> None:
    box.stub("df", DF.format(filter=""))
    box.stub("sleep", f'echo "cpu  190 0 60 840 90 5 10 5 99 0" >{box.root}/proc/stat')
    assert box.report() == {
        "cpu_usage": 55.0,  # 110 of 200 ticks; guest time is within user
        "cpu_iowait": 25.0,
        "memory_usage": 75.0,
        "memory_total_mb": 8192,
        "swap_usage": 12.5,
        "disk_usage": [{"mount": "/", "usage": 50.0, "size": "1.0G", "used": "461M", "avail": "461M"}],
        "network_rx_bytes": 1000,
        "network_tx_bytes": 2000,
        "load_1m": 0.5,
        "load_5m": 0.3,
        "load_15m": 0.2,
        "os": "Debian GNU/Linux 12 (bookworm)",
        "hostname": "web-1",
        "kernel": "6.1.0-test",
    }


@pytest.mark.parametrize("style", ["", COREUTILS], ids=["raw", "masked"])
def test_mounts_with_odd_names_are_reported_as_they_are(box: Box, style: str) -> None:
    box.stub("df", DF.format(filter=style))
    paths = mounts(box, *ODD)
    shown = [path.replace("\t", "?").replace("\x07", "?") for path in paths]  # as df does: no name steers a terminal
    assert [disk["mount"] for disk in box.report()["disk_usage"]] == ["/", *shown]
    assert not (box.root / "pwned").exists()


def test_odd_names_reach_the_real_df_whole_and_what_it_says_of_others_is_left_out(box: Box) -> None:
    mounts(box, *ODD)  # they are not truly mounted, so df names the file system that they are on
    assert [disk["mount"] for disk in box.report()["disk_usage"]] == ["/"]


def test_a_mount_that_is_no_utf_8_gives_valid_json_all_the_same(box: Box) -> None:
    box.stub("df", DF.format(filter=""))
    names = ["a\udcff", "b\udced\udca0\udc80", "c\udce2\udc82", "d\udcc3", "€uro\U0001f600"]
    mounts(box, *names)
    read = [disk["mount"].rpartition("/")[2] for disk in box.report()["disk_usage"][1:]]
    assert read == ["a?", "b???", "c??", "d?", "€uro\U0001f600"]


def test_pseudo_images_files_and_doubles_are_left_out(box: Box) -> None:
    box.stub("df", DF.format(filter=""))
    first, second = mounts(box, "long-name", "short")
    box.write("mnt/hosts", "a file")
    table = [
        "overlay / overlay rw 0 0",
        f"/dev/loop0 {box.root}/mnt squashfs ro 0 0",
        f"/dev/sda1 {first} ext4 rw 0 0",
        f"/dev/sda1 {second} ext4 rw 0 0",
        f"/dev/sdb1 {box.root}/mnt/hosts ext4 rw 0 0",
        f"tmpfs {box.root}/tmp tmpfs rw 0 0",
        f"overlay {box.root}/bin overlay rw 0 0",
        f"nas:/x {box.root}/home nfs4 rw 0 0",
    ]
    box.write("proc/mounts", "\n".join(table) + "\n")
    assert [disk["mount"] for disk in box.report()["disk_usage"]] == ["/", second]


@pytest.mark.parametrize("df", ["exit 1", "echo nonsense", 'echo "/dev/x 0 0 0 - /"', "kill -9 $$"])
def test_a_df_that_fails_costs_the_disks_alone(box: Box, df: str) -> None:
    box.stub("df", df)
    assert box.report()["disk_usage"] == []


def test_a_machine_without_swap_cards_or_names_leaves_them_out(box: Box) -> None:
    (box.root / "sys/class/net/eth0/device").rmdir()
    box.write("proc/net/dev", "x\n lo: 7 0 0 0 0 0 0 0 7 0\n")
    box.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 100 kB\nCached: 300 kB\nSwapTotal: 0 kB\n")
    for name in ("etc/os-release", "proc/sys/kernel/hostname", "proc/loadavg"):
        (box.root / name).unlink()
    value = box.report()
    assert value["memory_usage"] == 50.0
    assert value["os"] == "Linux"
    assert not {"swap_usage", "network_rx_bytes", "hostname", "load_1m"} & set(value)


def test_a_container_counts_its_end_of_the_pair(box: Box) -> None:
    (box.root / "sys/class/net/eth0/device").rmdir()
    assert box.report()["network_rx_bytes"] == 1000


def test_a_card_whose_master_counts_for_it_is_not_counted_twice(box: Box) -> None:
    for name in ("vf0/device", "vf0/master/device"):
        (box.root / "sys/class/net" / name).mkdir(parents=True)
    box.write("proc/net/dev", box.root.joinpath("proc/net/dev").read_text() + "vf0: 9 0 0 0 0 0 0 0 9 0\n")
    assert box.report()["network_rx_bytes"] == 1000


def test_counters_beyond_32_bits_stay_whole_numbers(box: Box) -> None:
    box.write("proc/net/dev", "x\neth0: 9007199254740000 1 0 0 0 0 0 0 12345678901234 1 0 0 0 0 0 0\n")
    assert box.report()["network_rx_bytes"] == 9007199254740000


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("PRETTY_NAME=Alpine", "Alpine"),
        ("PRETTY_NAME='It is'", "It is"),
        ('PRETTY_NAME="a \\"b\\" \\\\ \\$c"', 'a "b" \\ $c'),
        ('PRETTY_NAME="Zürich"', "Zürich"),
        ("NAME=x", "x"),
        ('NAME="Clear Linux OS"\nVERSION=42', "Clear Linux OS 42"),
        ('PRETTY_NAME="first"\nPRETTY_NAME="last one wins"', "last one wins"),
        ('PRETTY_NAME="from Windows"\r', "from Windows"),
        ("#PRETTY_NAME=no\nPRETTY_NAME=yes", "yes"),
        ('PRETTY_NAME="$UNSET `touch pwned`"', "$UNSET `touch pwned`"),
        ("exit 1\nPRETTY_NAME=", "Linux"),
    ],
)
def test_the_systems_name_is_read_from_os_release_without_running_it(dash: Box, line: str, name: str) -> None:
    dash.write("etc/os-release", line + "\n")
    assert dash.report()["os"] == name
    assert not (dash.root / "pwned").exists()


def test_os_release_may_be_in_usr_lib_alone(box: Box) -> None:
    (box.root / "etc/os-release").unlink()
    box.write("usr/lib/os-release", 'PRETTY_NAME="Clear Linux OS"\n')
    assert box.report()["os"] == "Clear Linux OS"


def test_a_synology_goes_by_a_file_of_its_own(dash: Box) -> None:
    (dash.root / "etc/os-release").unlink()
    dash.write("etc.defaults/VERSION", 'majorversion="7"\nos_name="DSM"\nproductversion="7.2.1"\n')
    dash.script.write_text(dash.script.read_text().replace("/etc.defaults/", f"{dash.root}/etc.defaults/"))
    assert dash.report()["os"] == "Synology DSM 7.2.1"


def test_a_machine_that_is_no_linux_is_told_so_in_one_line(box: Box) -> None:
    (box.root / "proc/stat").unlink()
    done = box.run("--print")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "agentmon agent" in done.stderr
