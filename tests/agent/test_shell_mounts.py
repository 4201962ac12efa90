"""Which mounts agent.sh takes for disks, by the tables of Linux."""

import pytest

from tests.agent.shells import DF, Box

ROOT = "/dev/sda1 / ext4 rw 0 0\n"
IMAGE_AS_ROOT = (
    "composefs / overlay ro,seclabel,lowerdir+=@/run/cfsroot-lower,datadir+=@/objects,redirect_dir=on 0 0\n"
    "/dev/vda4 @/etc xfs rw 0 0\n/dev/vda4 @/sysroot xfs ro 0 0\n/dev/vda4 @/var xfs rw 0 0\n"
    "/dev/vda3 @/boot ext4 ro 0 0"
)
TABLES = {
    "an image as root is always full": (IMAGE_AS_ROOT, ["@/etc", "@/boot"]),
    "images and read-only loops are none": (
        ROOT + "/dev/loop0 @/snap squashfs ro 0 0\n/dev/loop1 @/old-snap ext4 ro 0 0\n/dev/sr0 @/cd iso9660 ro 0 0\n"
        "/dev/sr1 @/dvd udf ro 0 0\n/dev/loop2 @/own ext4 rw 0 0",
        ["/", "@/own"],
    ),
    "flash and its file systems": (
        "overlayfs:/overlay / overlay rw 0 0\n/dev/ubi0_1 @/overlay ubifs rw 0 0\nmtd:rootfs_data @/jffs jffs2 rw 0 0",
        ["/", "@/overlay", "@/jffs"],
    ),
    "network and memory are none, at / neither": (
        "nas:/root / nfs4 rw 0 0\ntmpfs @/run tmpfs rw 0 0\nsshfs @/ssh fuse.sshfs rw 0 0\n"
        "/dev/sdb1 @/ntfs fuseblk rw 0 0",
        ["@/ntfs"],
    ),
    "what is mounted over a disk, or above it, hides it": (
        ROOT + "/dev/sdb1 @/a/disk ext4 rw 0 0\n/dev/sdc1 @/b ext4 rw 0 0\ntmpfs @/a tmpfs rw 0 0\n"
        "/dev/sdd1 @/b xfs rw 0 0\n/dev/sde1 @/a/later ext4 rw 0 0",
        ["/", "@/b", "@/a/later"],
    ),
    "a root that was mounted last hides none of what was moved into it": (
        "/dev/sdb1 @/usr ext4 rw 0 0\n" + ROOT.strip(),
        ["@/usr", "/"],
    ),
    "a disk that is hidden in one place is seen in another": (
        ROOT + "/dev/sdb1 @/a ext4 rw 0 0\n/dev/sdb1 @/longer ext4 rw 0 0\ntmpfs @/a tmpfs rw 0 0",
        ["/", "@/longer"],
    ),
    "a read-only mount does not speak for a disk that can be written": (
        ROOT + "/dev/sdb1 @/a ext4 ro 0 0\n/dev/sdb1 @/longer ext4 rw 0 0\n/dev/sdc1 @/only ext4 ro 0 0",
        ["/", "@/longer", "@/only"],
    ),
    "snapshots of zfs are none": (
        ROOT + "tank/x @/x zfs rw 0 0\ntank/x@daily @/x/.zfs/snapshot/daily zfs ro 0 0\ntank/x@y @/snap zfs ro 0 0",
        ["/", "@/x"],
    ),
    "an automount that never ends is a disk like any other": (
        ROOT + "systemd-1 @/mnt autofs rw,fd=51,pgrp=1,timeout=0,minproto=5,direct 0 0\n/dev/sdb1 @/mnt ext4 rw 0 0\n"
        "systemd-1 @/srv autofs rw,fd=52 0 0\n/dev/sdc1 @/srv ext4 rw 0 0",
        ["/", "@/mnt", "@/srv"],
    ),
}


@pytest.fixture
def machine(box: Box) -> Box:
    """A machine whose df knows every disk."""
    box.stub("df", DF)
    return box


@pytest.mark.parametrize(("table", "mounts"), TABLES.values(), ids=TABLES)
def test_the_disks_that_a_person_would_name(dash: Box, table: str, mounts: list[str]) -> None:
    dash.stub("df", DF)
    dash.table(table)
    assert dash.mounts() == mounts


@pytest.mark.parametrize("awk", ["mawk", "gawk", "original-awk"])
def test_every_awk_chooses_the_same(dash: Box, awk: str) -> None:
    dash.use_awk(awk)
    dash.stub("df", DF)
    for table, mounts in TABLES.values():
        dash.table(table)
        assert dash.mounts() == mounts


@pytest.mark.parametrize("known", ["", "nodev\text4\nnodev\txfs\n"], ids=["missing", "foreign"])
def test_a_list_of_file_systems_that_is_of_no_use(dash: Box, known: str) -> None:
    dash.stub("df", DF)
    dash.write("proc/filesystems", known)
    dash.table(ROOT + "/dev/sdb1 @/x xfs rw 0 0")
    assert dash.mounts() == ["/", "@/x"]


def test_every_name_that_the_kernel_escapes_comes_back_whole(machine: Box) -> None:
    names = [r"Disk\0401", r"WD\0404TB", r"USB\04064GB", r"back\1340401", r"tab\01177", r"hash\0431", r"end\040"]
    machine.table(ROOT + "".join(f"/dev/sd{i}1 @/mnt/{name} ext4 rw 0 0\n" for i, name in enumerate(names)))
    shown = ["Disk 1", "WD 4TB", "USB 64GB", "back\\0401", "tab?77", "hash#1", "end "]
    assert machine.mounts() == ["/", *(f"@/mnt/{name}" for name in shown)]


def test_a_name_with_newlines_reaches_df_whole(dash: Box) -> None:
    dash.stub("df", f'shift 3; for m; do printf "<%s>" "$m" >>{dash.root}/asked; done')
    dash.table(r"/dev/sdb1 @/two\012lines\012 ext4 rw 0 0")
    dash.report()
    assert (dash.root / "asked").read_text() == f"<{dash.root}/two\nlines\n>"


def test_a_file_of_a_disk_does_not_stand_for_it(machine: Box) -> None:
    machine.table("overlay / overlay rw 0 0\n/dev/sdb1 @/var/lib/mysql ext4 rw 0 0\n/dev/sdc1 @/only-files ext4 rw 0 0")
    (machine.root / "only-files").rmdir()
    table = (machine.root / "proc/mounts").read_text()
    for name in ("a.conf", "b.conf", "only-files"):
        machine.write(name, "a file that is mounted")
    machine.write(
        "proc/mounts", table + f"/dev/sdb1 {machine.root}/a.conf ext4 rw 0 0\n/dev/sdb1 {machine.root}/b.conf x\n"
    )
    assert machine.mounts() == ["/", "@/var/lib/mysql"]


def test_a_bind_of_a_folder_does_not_rename_its_disk(dash: Box) -> None:
    dash.stub("df", DF)
    dash.table(ROOT + "/dev/sdb1 @/srv/data ext4 rw 0 0\n/dev/sdb1 @/x ext4 rw 0 0\n/dev/sdc1 @/sub btrfs rw 0 0")
    info = "1 0 8:17 / @/srv/data rw - ext4 /dev/sdb1 rw\n2 0 8:17 /x @/x rw - ext4 /dev/sdb1 rw\n"
    dash.write("proc/self/mountinfo", info.replace("@", str(dash.root)))
    assert dash.mounts() == ["/", "@/srv/data", "@/sub"]


def test_a_unit_that_sees_all_mounts_read_only_sees_the_same_disks(dash: Box) -> None:
    dash.stub("df", DF)
    dash.table("overlay / overlay ro 0 0\n/dev/loop1 @/image ext4 ro 0 0\n/dev/loop2 @/own ext4 ro 0 0")
    info = "1 0 0:5 / / ro - overlay overlay rw\n2 1 7:1 / @/image ro shared:1 - ext4 /dev/loop1 ro\n"
    info += "3 1 7:2 / @/own ro shared:2 master:1 - ext4 /dev/loop2 rw,x=y\n"
    dash.write("proc/self/mountinfo", info.replace("@", str(dash.root)))
    assert dash.mounts() == ["/", "@/own"]


def test_a_disk_behind_an_automount_is_not_kept_awake_but_named(dash: Box) -> None:
    dash.stub("df", DF)
    direct = "systemd-1 @/mnt/backup autofs rw,relatime,fd=51,pgrp=1,timeout=600,minproto=5,maxproto=5,direct 0 0\n"
    indirect = "systemd-1 @/net autofs rw,fd=52,timeout=60,indirect 0 0\n"
    disks = "/dev/sdb1 @/mnt/backup ext4 rw 0 0\n/dev/sdc1 @/net/usb ext4 rw 0 0\n/dev/sdd1 @/mnt ext4 rw 0 0"
    dash.table(ROOT + disks.splitlines()[-1] + "\n" + direct + indirect + "\n".join(disks.splitlines()[:2]))
    assert dash.mounts() == ["/", "@/mnt"]  # and no word about it, each minute
    done = dash.run("--missing")
    assert (done.returncode, done.stdout) == (0, "")
    assert sorted(line.split()[1] for line in done.stderr.splitlines()) == [
        f"{dash.root}{at}" for at in ("/mnt/backup", "/net/usb")
    ]
