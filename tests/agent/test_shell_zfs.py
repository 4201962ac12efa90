"""ZFS as agent.sh sees it: memory that its cache can give back, and pools as disks."""

import json
from typing import Any

import pytest

from tests.agent.shells import Box, need

KIB = 1024
ARCSTATS = """9 1 0x01 147 39984 5342107382 99201553415512
name                            type data
c_min                           4    {c_min}
c_max                           4    33554432000
size                            4    {size}
"""
BIG, LEAST = 21474836480, 1073741824


def zfs(box: Box, sets: dict[str, tuple[str, int, int]], pools: str | None) -> dict[str, Any]:
    """Return the report with these data sets mounted: name: (mount, bytes used, bytes available)."""
    box.table("\n".join(f"{name} {mount} zfs rw,xattr 0 0" for name, (mount, _, _) in sets.items()))
    figures = {mount: f"{(used + avail) // KIB} {used // KIB} {avail // KIB}" for mount, used, avail in sets.values()}
    cases = "".join(
        f'{mount.replace("@", str(box.root)).replace(chr(92) + "040", chr(92) + " ")}) echo "set {figure} 9% $m" ;;\n'
        for mount, figure in figures.items()
    )
    box.stub("df", f"shift 3\nfor m; do case $m in\n{cases}esac; done")
    if pools is not None:
        box.write("pools", pools)
        box.stub("zfs", f'[ "$*" = "list -Hp -o name,used,avail -d 0" ] || exit 2\n{box.tool("cat")} {box.root}/pools')
    done = box.run("--print")
    assert (done.returncode, done.stderr) == (0, "")
    value = json.loads(done.stdout.replace(str(box.root), "@"))
    assert isinstance(value, dict)
    return value


def usages(report: dict[str, Any]) -> dict[str, float]:
    return {disk["mount"]: disk["usage"] for disk in report["disk_usage"]}


TANK = {"tank": ("@/tank", 131072, 1099511627776)} | {
    f"tank/d{number}": (f"@/tank/d{number}", 989560464998, 1099511627776) for number in range(10)
}
RPOOL = {
    "rpool": ("@/rpool", 131072, 214748364800),
    "rpool/ROOT/pve-1": ("/", 20 << 30, 214748364800),
    "rpool/data/subvol-101-disk-0": ("@/rpool/data/subvol-101-disk-0", 7 << 30, 1 << 30),
}


@pytest.mark.parametrize("pools", [None, "tank\t9895604781052\t1099511627776\n"], ids=["without zfs", "with zfs"])
def test_a_pool_is_one_disk_with_its_own_figures(box: Box, pools: str | None) -> None:
    report = zfs(box, TANK, pools)
    assert usages(report) == {"@/tank": 90.0}
    assert report["disk_usage"][0]["avail"] == "1.0T"


def test_volumes_count_and_a_quota_of_its_own_makes_a_disk(box: Box) -> None:
    report = zfs(box, RPOOL, "rpool\t858993459200\t214748364800\nother\t1\t2\n")
    assert usages(report) == {"/": 80.0, "@/rpool/data/subvol-101-disk-0": 87.5}


@pytest.mark.parametrize("awk", ["mawk", "gawk", "original-awk"])
def test_every_awk_says_the_same_of_pools(dash: Box, awk: str) -> None:
    dash.use_awk(awk)
    test_volumes_count_and_a_quota_of_its_own_makes_a_disk(dash)


def test_a_pool_whose_name_holds_a_space(box: Box) -> None:
    sets = {r"my\040pool": (r"@/my\040pool", 1 << 30, 1 << 30), r"my\040pool/a": (r"@/a\040b", 1 << 30, 1 << 30)}
    assert usages(zfs(box, sets, f"my pool\t{3 << 30}\t{1 << 30}\n")) == {"@/a b": 75.0}


def test_a_data_set_that_stands_alone_is_a_disk_like_any_other(dash: Box) -> None:
    assert usages(zfs(dash, {"tank/lxc/101": ("/", 7 << 30, 1 << 30)}, None)) == {"/": 87.5}


def test_two_pools_are_two_disks_and_a_full_one_is_full(dash: Box) -> None:
    sets = {"rpool/a": ("/", 9 << 30, 0), "rpool/b": ("@/b", 1 << 30, 0), "tank": ("@/t", 1 << 30, 3 << 30)}
    assert usages(zfs(dash, sets, None)) == {"/": 100.0, "@/t": 25.0}


def test_docker_makes_hundreds_of_data_sets_and_one_disk(dash: Box) -> None:
    sets = {f"rpool/docker/{number}": (f"@/d/{number}", 1 << 30, 50 << 30) for number in range(300)}
    assert usages(zfs(dash, {"rpool/root": ("/", 50 << 30, 50 << 30)} | sets, "rpool\t500\t1500\n")) == {"/": 25.0}


@pytest.mark.parametrize("stub", ["exit 1", 'echo "internal error: cannot open /dev/zfs"; exit 1', None])
def test_a_zfs_that_does_not_answer_leaves_what_is_mounted_and_is_named(dash: Box, stub: str | None) -> None:
    zfs(dash, TANK, None)
    dash.stub("zfs", stub or f"exec {need('sleep')} 60")
    dash.script.write_text(dash.script.read_text().replace("within 5", "within 1"))
    done = dash.run("--missing")
    assert "zfs does not say how full tank is: its volumes and snapshots are not counted" in done.stderr
    assert ("zfs is left out: it does not answer" in done.stderr) is (stub is None)
    assert usages(json.loads(dash.run("--print").stdout)) == {f"{dash.root}/tank": 90.0}


def memory(box: Box, arcstats: str | None, total: int = 33554432, available: int = 4194304) -> float:
    box.write("proc/meminfo", f"MemTotal: {total} kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n")
    if arcstats is not None:
        box.write("proc/spl/kstat/zfs/arcstats", arcstats)
    usage = box.report()["memory_usage"]
    assert isinstance(usage, float)
    return usage


def test_what_the_cache_can_give_back_is_available(box: Box) -> None:
    assert memory(box, ARCSTATS.format(size=BIG, c_min=LEAST)) == 28.1


@pytest.mark.parametrize(
    "arcstats",
    [
        None,
        "",
        "spoilt\nsize 4\nc_min 4 x\n",
        ARCSTATS.format(size=LEAST, c_min=LEAST),
        ARCSTATS.format(size=1, c_min=LEAST),
        "size 4 21474836480\n",
    ],
)
def test_a_cache_at_its_least_or_spoilt_gives_nothing(dash: Box, arcstats: str | None) -> None:
    assert memory(dash, arcstats) == 87.5


def test_in_a_container_the_cache_is_the_hosts(box: Box) -> None:
    box.write(
        "proc/mounts", "rpool/lxc / zfs rw 0 0\nlxcfs /proc/meminfo fuse.lxcfs rw,nosuid,user_id=0,allow_other 0 0\n"
    )
    assert memory(box, ARCSTATS.format(size=BIG, c_min=LEAST), total=1048576, available=524288) == 50.0


def test_a_cache_beyond_all_memory_leaves_none_used(dash: Box) -> None:
    assert memory(dash, ARCSTATS.format(size=BIG, c_min=0), total=1048576, available=524288) == 0.0
