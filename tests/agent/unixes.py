"""FreeBSD and macOS for agent.sh: stand-ins of their commands that say what the real ones do."""

from tests.agent.shells import Box, need

DF = """for mount; do
while IFS='|' read -r name figures; do [ "$name" = "$mount" ] && echo "/dev/x $figures 50% $mount"; done <{root}/df
done
exit 0"""

FREEBSD = {
    "kern.cp_time": "1000 0 500 10 8490",
    "hw.physmem": "17179869184",
    "hw.pagesize": "4096",
    "vm.stats.vm.v_free_count": "200000",
    "vm.stats.vm.v_inactive_count": "400000",
    "vm.stats.vm.v_laundry_count": "50000",
    "vm.stats.vm.v_wire_count": "3000000",
    "kstat.zfs.misc.arcstats.size": "9830400000",
    "kstat.zfs.misc.arcstats.c_min": "524288000",
    "vm.loadavg": "{ 0.50 0.30 0.20 }",
}
NETSTAT_FREEBSD = """\
Name    Mtu Network          Address              Ipkts Ierrs Idrop     Ibytes    Opkts Oerrs     Obytes  Coll
igb0   1500 <Link#1>         02:00:00:00:00:01  1000000     0     0 1500000000   500000     0  200000000     0
igb0      - 192.0.2.0/24     192.0.2.1           999999     -     - 1499999999   499999     -  199999999     -
igb1*  1500 <Link#2>         02:00:00:00:00:02        0     0     0          0        0     0          0     0
lo0   16384 <Link#4>         lo0                    100     0     0      10000      100     0      10000     0
lagg0  1500 <Link#6>         02:00:00:00:00:01  1000100     0     0 1500001000   500050     0  200000500     0
igb0.20 1500 <Link#7>        02:00:00:00:00:01      100     0     0       1000       50     0        500     0
vlan10 1500 <Link#8>         02:00:00:00:00:01      100     0     0       1000       50     0        500     0
tun0   1500 <Link#9>         tun0                   100     0     0       1000       50     0        500     0
wg0    1420 <Link#10>                               100     0     0       1000       50     0        500     0
"""
NETSTAT_MACOS = """\
Name       Mtu   Network       Address            Ipkts Ierrs     Ibytes    Opkts Oerrs     Obytes  Coll
lo0        16384 <Link#1>                          100     0      10000      100     0      10000     0
en0        1500  <Link#11>   02:00:00:00:00:0b 11290338     0 30277303935  4102338     0 2354022366     0
en0        1500  192.0.2/24    192.0.2.10       11290338     - 30277303935  4102338     - 2354022366     -
awdl0      1500  <Link#14>   02:00:00:00:00:0c      10     0       1000       10     0       1000     0
utun0      1380  <Link#16>                         5000     0    4000000     6000     0    3000000     0
"""
VM_STAT = """Mach Virtual Memory Statistics: (page size of {page} bytes)
Pages free:                                26214.
Pages active:                             300000.
Pages inactive:                           290000.
Pages speculative:                         20000.
Pages wired down:                         200000.
Pages purgeable:                           15000.
File-backed pages:                        150000.
Anonymous pages:                          460000.
Pages stored in compressor:               400000.
Pages occupied by compressor:             180000.
"""
MOUNT_MACOS = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s6 on /System/Volumes/VM (apfs, local, noexec, journaled, noatime, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect, root data)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
/dev/disk5s1 on /Volumes/USB 64GB (exfat, local, nodev, nosuid, noowners)
/dev/disk6s1 on /Volumes/Installer (hfs, local, nodev, nosuid, read-only, noowners, quarantine, mounted by user)
//guest@nas/share on /Volumes/share (smbfs, nodev, nosuid, mounted by user)
com.apple.TimeMachine.2026-11-28-030000.local@/dev/disk3s5 on /Volumes/.timemachine/x (apfs, local, read-only, nobrowse)
/dev/disk7s2 on /Volumes/Old (Mac) on it (hfs, local, journaled)
"""
TOP = """Processes: 400 total
CPU usage: 3.0% user, 2.0% sys, 95.0% idle
Processes: 400 total
CPU usage: 15.0% user, 10.0% sys, 75.0% idle
"""


def say(box: Box, command: str, text: str) -> None:
    box.write(f"say/{command}", text)
    box.stub(command, f"cat {box.root}/say/{command}")


def sysctl(box: Box, values: dict[str, str]) -> None:
    for name, value in values.items():
        box.write(f"sysctl/{name}", value + "\n")
    box.stub("sysctl", f'[ "$1" = -n ] || exit 2; cat {box.root}/sysctl/$2')


def df(box: Box, **mounts: tuple[int, int, int]) -> None:
    """Say what df knows of mounts; it records what it was asked for, and hangs on all else."""
    lines = [f"{name}|{size} {used} {avail}\n" for name, (size, used, avail) in mounts.items()]
    box.write("df", "".join(lines))
    box.stub("df", DF.format(root=box.root))


def impatient(box: Box) -> None:
    """Let every limit of some seconds be over soon."""
    box.stub("timeout", f'shift; exec {need("timeout")} 0.5 "$@"')


def padded(name: str) -> str:
    """Return a name of `mount -p` and what follows it: tabs, or a space if it is long."""
    return name + ("\t" * (3 - len(name) // 8) if len(name) < 24 else " ")


def freebsd(box: Box, *mounts: tuple[str, str, str]) -> Box:
    box.stub("uname", "case $1 in -s) echo FreeBSD ;; *) echo 14.1-RELEASE-p3 ;; esac")
    sysctl(box, FREEBSD)
    ticking = f"echo '1030 0 515 15 8640' >{box.root}/sysctl/kern.cp_time"
    box.stub("sleep", ticking)
    say(
        box,
        "swapinfo",
        "Device          1K-blocks     Used    Avail Capacity\n/dev/ada0p2       2097152   524288  1572864    25%\n",
    )
    say(box, "netstat", NETSTAT_FREEBSD)
    say(box, "freebsd-version", "14.1-RELEASE-p3\n")
    say(box, "hostname", "fw-1\n")
    table = [*mounts, ("devfs", "/dev", "devfs"), ("tmpfs", "/tmp", "tmpfs"), ("nas:/x", f"{box.root}/nas", "nfs")]
    say(box, "mount", "".join(f"{padded(device)}{padded(on)}{kind}\trw\t\t1 1\n" for device, on, kind in table))
    return box


def macos(box: Box) -> Box:
    box.stub("uname", "case $1 in -s) echo Darwin ;; *) echo 23.4.0 ;; esac")
    box.bin.joinpath("timeout").unlink()  # a Mac has none
    sysctl(
        box,
        {
            "hw.memsize": "17179869184",
            "vm.swapusage": "total = 2048.00M  used = 512.00M  free = 1536.00M  (encrypted)",
            "vm.loadavg": "{ 1.52 1.71 1.80 }",
        },
    )
    say(box, "vm_stat", VM_STAT.format(page=16384))
    say(box, "netstat", NETSTAT_MACOS)
    say(box, "top", TOP)
    say(box, "hostname", "mac-1\n")
    box.stub("sw_vers", "case $1 in -productName) echo macOS ;; *) echo 14.4.1 ;; esac")
    table = MOUNT_MACOS.replace(" /Volumes", f" {box.root}/Volumes")
    for name in ("USB 64GB", "Installer", "share", "Old (Mac) on it"):
        (box.root / "Volumes" / name).mkdir(parents=True)
    say(box, "mount", table)
    df(
        box,
        **{
            "/": (482797652, 10000000, 72419648),
            f"{box.root}/Volumes/USB 64GB": (62500000, 31250000, 31250000),
            f"{box.root}/Volumes/Old (Mac) on it": (1000, 100, 900),
        },
    )
    return box
