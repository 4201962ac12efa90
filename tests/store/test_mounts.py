"""The list of mounts: read as the kernel writes it, asked for the one that a path lies on."""

from pathlib import Path

import pytest

from store.mounts import Mount, mount_of, read_mounts

MOUNTINFO = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /mnt/old rw shared:2 - nfs4 server:/a rw,addr=192.0.2.1
24 22 0:22 / /mnt/my\040disk\134x rw - fuse.sshfs me@host:/ rw
25 22 8:2 /home/data /srv/data rw master:1 propagate_from:2 - xfs /dev/sdb1 rw
26 25 0:23 / /srv/data/nas rw - cifs //nas/share rw
27 22 8:3 / /mnt/old rw - ext4 /dev/sdc1 rw
28 22 0:24 / /mnt/user rw - fuse.shfs shfs rw
29 22 0:25 / /mnt/disk rw - fuseblk /dev/sdd1 rw
a line that is none
"""


@pytest.fixture
def mounts(tmp_path: Path) -> tuple[Mount, ...]:
    """What a machine with all kinds of mounts lists."""
    file = tmp_path / "mountinfo"
    file.write_text(MOUNTINFO)
    return read_mounts(file)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/a.db", "ext4"),
        ("/mnt/my disk\\x/deep/a.db", "fuse.sshfs"),
        ("/mnt/my", "ext4"),
        ("/srv/data/a.db", "xfs"),
        ("/srv/data/nas/a.db", "cifs"),
        ("/srv/data/nasty/a.db", "xfs"),
        ("/mnt/old/a.db", "ext4"),
    ],
)
def test_a_path_lies_on_the_longest_mount_and_of_two_on_the_last(
    mounts: tuple[Mount, ...], path: str, kind: str
) -> None:
    found = mount_of(Path(path), mounts)
    assert found is not None
    assert found.kind == kind


NETWORK = "nfs nfs4 cifs smb3 smbfs 9p virtiofs afs ceph glusterfs drvfs vboxsf"
BY_FUSE = "fuse.sshfs fuse.rclone fuse.glusterfs fuse.gvfsd-fuse fuse.grpcfuse fuse.vmhgfs-fuse"


@pytest.mark.parametrize("kind", f"{NETWORK} {BY_FUSE}".split())
def test_network_file_systems_are_known(kind: str) -> None:
    mount = Mount("0:1", Path("/"), Path("/"), kind)
    assert (mount.is_network, mount.is_other_fuse) == (True, False)


@pytest.mark.parametrize("kind", ["fuse", "fuse.shfs", "fuse.mergerfs", "fuseblk"])
def test_of_other_fuse_file_systems_nothing_is_known(kind: str) -> None:
    mount = Mount("0:1", Path("/"), Path("/"), kind)
    assert (mount.is_network, mount.is_other_fuse) == (False, True)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "nfsd", "fusectl"])
def test_local_file_systems_are_taken(kind: str) -> None:
    mount = Mount("0:1", Path("/"), Path("/"), kind)
    assert (mount.is_network, mount.is_other_fuse) == (False, False)


def test_a_system_without_such_a_list_has_no_mounts(tmp_path: Path) -> None:
    assert read_mounts(tmp_path / "none") == ()
    assert mount_of(Path("/a"), ()) is None


def test_this_machine_lists_its_root() -> None:
    if not Path("/proc/self/mountinfo").exists():
        pytest.skip("this system has no mountinfo")
    found = mount_of(Path("/"), read_mounts())
    assert found is not None
    assert found.point == Path("/")
