"""Which mounts are disks, and what each is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.readings.mount_table import Mount, read_mount_table, unescaped
from agent.readings.mounts import DISKS, block_types, choose_disks
from tests.agent.readings.machines import Linux

ROOT = Mount("/dev/sda1", "/", "ext4", "rw")


def chosen(*table: Mount) -> list[str]:
    return [mounts[0].mountpoint for mounts in choose_disks(table).disks]


def table(text: str) -> list[Mount]:
    """Return the mounts of lines of device, point, type, options and root."""
    return [Mount(*line.split()) for line in text.strip().splitlines()]


def test_pseudo_file_systems_and_images_are_left_out() -> None:
    lines = """
    /dev/sda1 / ext4 rw
    tmpfs /run tmpfs rw
    udev /dev devtmpfs rw
    /dev/loop0 /snap/core squashfs ro
    /dev/sr0 /media/cdrom iso9660 ro
    /dev/sr1 /media/dvd udf ro
    /dev/loop1 /mnt/image ext4 ro
    /dev/loop2 /mnt/crypt ext4 rw
    overlay /var/lib/docker/overlay2/x/merged overlay rw
    nas:/export /mnt/nas nfs4 rw
    sshfs /mnt/ssh fuse.sshfs rw
    /dev/sdb1 /srv xfs rw
    /dev/sdc1 /media/stick fuseblk rw
    ubi0:rootfs /overlay ubifs rw
    /dev/mtdblock3 /jffs jffs2 rw
    /dev/sdd:/dev/sde /bcache bcachefs rw
    /dev/mmcblk0p2 /data f2fs rw
    """
    assert chosen(*table(lines)) == [
        "/",
        "/mnt/crypt",
        "/srv",
        "/media/stick",
        "/overlay",
        "/jffs",
        "/bcache",
        "/data",
    ]


@pytest.mark.parametrize(
    ("root", "reported"),
    [
        ("overlay / overlay rw", ["/"]),
        ("fuse-overlayfs / fuse.fuse-overlayfs rw", ["/"]),
        ("overlay / overlay rw,relatime,lowerdir=/a:/b", ["/"]),
        ("composefs / overlay ro,lowerdir+=/run/ostree,redirect_dir=on", []),
        ("overlay / overlay ro,relatime", []),
        ("composefs / composefs ro", []),
        ("/dev/vda / erofs ro", []),
        ("none / tmpfs rw", []),
        ("rootfs / rootfs rw", []),
        ("nas:/root / nfs rw", []),
        ("/dev/sda1 / ext4 ro", ["/"]),
    ],
)
def test_what_holds_the_root_counts_if_it_can_fill(root: str, reported: list[str]) -> None:
    assert chosen(*table(root + "\noverlay /mnt/x overlay rw")) == reported


def test_a_root_that_is_an_image_leaves_the_disk_once_under_a_mount_that_can_be_written() -> None:
    lines = """
    composefs / overlay ro,seclabel,relatime,lowerdir+=/run/ostree/.private/cfsroot-lower,metacopy=on
    /dev/vda4 /etc xfs rw /ostree/deploy/fedora/etc
    /dev/vda4 /sysroot xfs ro
    /dev/vda4 /var xfs rw /ostree/deploy/fedora/var
    /dev/vda3 /boot ext4 ro
    """
    assert chosen(*table(lines)) == ["/etc", "/boot"]


@pytest.mark.parametrize(
    ("lines", "reported"),
    [
        ("/dev/a /var/x ext4 rw /x\n/dev/a / ext4 rw\n/dev/a /mnt ext4 rw /y", ["/"]),
        ("/dev/a /srv/storage ext4 rw\n/dev/a /b ext4 rw /folder", ["/srv/storage"]),
        ("/dev/a /b ext4 rw /folder\n/dev/a /srv/storage ext4 rw", ["/srv/storage"]),
        ("/dev/a /srv/storage ext4 ro\n/dev/a /b ext4 rw /folder", ["/b"]),
        ("/dev/a / btrfs rw /@\n/dev/a /home btrfs rw /@home\n/dev/a /mnt/top btrfs rw", ["/"]),
        ("/dev/a /data ext4 rw\n/dev/a /date ext4 rw", ["/data"]),
    ],
    ids=["binds", "a shorter bind", "a shorter bind before", "only the bind is writable", "subvolumes", "the first"],
)
def test_a_disk_is_named_once_as_df_names_it(lines: str, reported: list[str]) -> None:
    assert chosen(*table(lines)) == reported


@pytest.mark.parametrize(
    ("lines", "reported"),
    [
        ("rootfs / rootfs rw\n/dev/a / ext4 rw", ["/"]),
        ("/dev/b /srv xfs rw\n/dev/a / ext4 rw", ["/srv", "/"]),
        ("/dev/a / ext4 rw\n/dev/b /srv xfs rw\ntmpfs /srv tmpfs rw", ["/"]),
        ("/dev/a / ext4 rw\n/dev/b /srv xfs rw\n/dev/c /srv xfs rw", ["/", "/srv"]),
        ("/dev/a / ext4 rw\n/dev/b /srv/x xfs rw\ntmpfs /srv tmpfs rw", ["/"]),
        ("/dev/a / ext4 rw\n/dev/b /srv/x/y xfs rw\nnas:/x /srv nfs rw\n/dev/c /srv/x xfs rw", ["/", "/srv/x"]),
        ("/dev/a / ext4 rw\n/dev/b /srv2 xfs rw\ntmpfs /srv tmpfs rw", ["/", "/srv2"]),
        ("/dev/a / ext4 rw\n/dev/a /mnt/x ext4 rw\n/dev/b /mnt xfs rw", ["/", "/mnt"]),
    ],
)
def test_only_what_can_be_seen_counts(lines: str, reported: list[str]) -> None:
    assert chosen(*table(lines)) == reported


def test_snapshots_are_no_disks() -> None:
    lines = """
    tank /tank zfs rw
    tank@monday /tank/.zfs/snapshot/monday zfs ro
    tank/a@tuesday /mnt/old zfs ro
    """
    assert chosen(*table(lines)) == ["/tank"]


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ("rw,relatime,fd=51,pgrp=1,timeout=600,minproto=5,maxproto=5,direct", False),
        ("rw,relatime,fd=51,pgrp=1,timeout=0,minproto=5,maxproto=5,direct", True),
        ("rw,relatime,fd=51,pgrp=1,minproto=5,maxproto=5,direct", True),
        ("timeout=1", False),
    ],
)
@pytest.mark.parametrize("point", ["/mnt/backup", "/mnt"], ids=["direct", "indirect"])
def test_a_disk_behind_an_automount_that_ends_is_not_asked(options: str, asked: bool, point: str) -> None:
    mounts = [ROOT, Mount("systemd-1", point, "autofs", options), Mount("/dev/sdb1", "/mnt/backup", "ext4", "rw")]
    choice = choose_disks(mounts)
    assert [disk[0].mountpoint for disk in choice.disks] == ["/"] + ["/mnt/backup"] * asked
    assert choice.sleeping == ["/mnt/backup"] * (not asked)


def test_macos_disks_are_those_that_a_person_knows() -> None:
    lines = """
    /dev/disk3s1s1 / apfs ro,local,rootfs,dovolfs,journaled,multilabel
    devfs /dev devfs rw,local,dontbrowse
    /dev/disk3s6 /System/Volumes/VM apfs rw,noexec,local,dontbrowse,journaled
    /dev/disk3s2 /System/Volumes/Preboot apfs rw,local,dontbrowse,journaled
    /dev/disk1s2 /System/Volumes/xarts apfs rw,local,dontbrowse
    /dev/disk1s1 /System/Volumes/iSCPreboot apfs rw,local
    /dev/disk3s5 /System/Volumes/Data apfs rw,local,journaled,dontbrowse
    map_auto_home /System/Volumes/Data/home autofs rw,dontbrowse,automounted
    /dev/disk5s1 /Volumes/USB exfat rw,local
    /dev/disk6s1 /Volumes/Installer hfs ro,nosuid,quarantine,local
    /dev/disk7s1 /Volumes/App apfs ro,local,journaled
    /dev/disk8s1 /Volumes/Download hfs rw,quarantine,local
    /dev/disk9s1 /Volumes/Photos apfs rw,local,journaled
    /dev/disk9s2 /Volumes/Work apfs rw,local,journaled
    com.apple.TimeMachine.2026-11-01@/dev/disk3s5 /Volumes/.timemachine/x apfs ro,dontbrowse
    /dev/disk2s1 /Library/Developer/CoreSimulator/Volumes/iOS apfs ro,dontbrowse
    //guest@nas/share /Volumes/share smbfs rw
    """
    assert chosen(*table(lines)) == ["/", "/Volumes/USB", "/Volumes/Work"]


def test_freebsd_disks_are_those_that_can_fill() -> None:
    lines = """
    /dev/ufs/OPNsense / ufs rw
    devfs /dev devfs rw
    fdescfs /dev/fd fdescfs rw
    procfs /proc procfs rw
    linprocfs /compat/linux/proc linprocfs rw
    tmpfs /var/log tmpfs rw
    /dev/md43 /var/run ufs rw
    /usr/ports /jails/a/usr/ports nullfs rw
    /dev/gpt/efiboot0 /boot/efi msdosfs rw
    /dev/cd0 /cdrom cd9660 ro
    nas:/x /mnt/nas nfs rw
    //u@nas/x /mnt/smb smbfs rw
    """
    assert chosen(*table(lines)) == ["/", "/boot/efi"]


def test_windows_disks_are_its_drives_and_volumes_in_folders() -> None:
    mounts = [
        Mount("C:\\", "C:\\", "NTFS", "rw,fixed"),
        Mount("C:\\", "C:\\Data\\", "NTFS", "rw,fixed"),
        Mount("D:\\", "D:\\", "CDFS", "ro,cdrom"),
        Mount("E:\\", "E:\\", "UDF", "ro,cdrom"),
        Mount("F:\\", "F:\\", "exFAT", "rw,removable"),
        Mount("G:\\", "G:\\", "", "rw,removable"),
        Mount("H:\\", "H:\\", "NTFS", "rw,remote"),
        Mount("I:\\", "I:\\", "ReFS", "rw,fixed"),
    ]
    assert chosen(*mounts) == ["C:\\", "C:\\Data\\", "F:\\", "I:\\"]


def test_all_that_linux_keeps_on_devices_is_a_disk_and_without_that_list_what_is_known(linux: Linux) -> None:
    assert block_types() == frozenset()
    linux.write("proc/filesystems", "nodev\tsysfs\n\text4\n\tnewfs\nnodev\tzfs\n\n")
    assert block_types() == {"ext4", "newfs"}
    choice = choose_disks([Mount("/dev/a", "/a", "newfs"), Mount("tank", "/tank", "zfs")], DISKS | block_types())
    assert len(choice.disks) == 2


ODD = [
    "my disk",
    "tab\there",
    "line\nfeed",
    "back\\slash",
    "C#",
    "\\040",
    "\\043",
    "#",
    "ünï",
    "a\udcff",
    "\x0b\x85",
    "'\"",
]


def escaped(name: str) -> str:
    """Write a name as the kernel does."""
    return "".join(f"\\{ord(char):03o}" if char in " \t\n\\#" else char for char in name)


def test_names_come_back_as_they_are(linux: Linux) -> None:
    lines = [f"/dev/{number} /mnt/{escaped(name)} ext4 rw 0 0" for number, name in enumerate(ODD)]
    lines += [f"{escaped(name)} /pool/{number} zfs rw 0 0" for number, name in enumerate(["my pool", "a#b"])]
    linux.mount("\n".join(lines) + "\n")
    mounts = read_mount_table()
    assert [mount.mountpoint for mount in mounts[: len(ODD)]] == [f"/mnt/{name}" for name in ODD]
    assert [mount.device for mount in mounts[len(ODD) :]] == ["my pool", "a#b"]


def test_roots_are_told_by_mountinfo(linux: Linux) -> None:
    linux.mount(
        "/dev/sda1 / ext4 rw 0 0\n/dev/sda1 /my\\040bind ext4 rw 0 0\n",
        mountinfo="22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 8:1 /a\\040b /my\\040bind rw shared:1 - ext4 x rw\n",
    )
    assert [mount.root for mount in read_mount_table()] == ["/", "/a b"]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_escapes_are_undone_once(name: str) -> None:
    assert unescaped(escaped(name)) == name
