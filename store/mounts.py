"""Mounted file systems, as Linux lists them in `/proc/self/mountinfo`; other systems have no such list.

The list, not statfs(2): that says of 9p what the file system of the host says.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")

CLUSTER = (
    "afs beegfs ceph cifs coda gfs2 glusterfs gpfs kafs lustre ncpfs nfs nfs4 ocfs2 orangefs pvfs2 smb2 smb3 smbfs"
)
BRIDGES = "9p drvfs fakeowner grpcfuse osxfs prl_fs virtiofs vboxsf vmhgfs"
"""From a virtual machine or a container to its host."""

BY_FUSE = (
    "cephfs curlftpfs davfs gcsfuse geesefs goofys gvfsd juicefs lizardfs mfs moosefs nfs-ganesha onedriver rclone s3fs"
    " seaweedfs smbnetfs sshfs"
)
"""As "fuse.NAME", some as "fuse.NAME-fuse"."""

NETWORK = frozenset(f"{CLUSTER} {BRIDGES} {BY_FUSE}".split())
"""Types of file systems without the shared memory and the reliable locks that SQLite needs."""

FUSE = re.compile(r"fuse(?:blk|\.|$)")
ESCAPE = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system, or a part of one."""

    device: str
    """MAJOR:MINOR; the same wherever one file system is mounted."""
    root: Path
    """The part of the file system that is mounted."""
    point: Path
    """Where it is mounted."""
    kind: str
    """Its type: ext4, nfs4, fuse.sshfs."""

    @property
    def is_network(self) -> bool:
        """Return whether its files may lie on another machine."""
        name = self.kind.lower().removeprefix("fuse.").removesuffix("-fuse")
        return name in NETWORK

    @property
    def is_other_fuse(self) -> bool:
        """Return whether a program serves its files, one of which nothing is known."""
        return not self.is_network and FUSE.match(self.kind) is not None


def read_mounts(mountinfo: Path | None = None) -> tuple[Mount, ...]:
    """Return all mounts in the order in which they were made; none where the system has no list of them."""
    try:
        lines = (mountinfo or MOUNTINFO).read_bytes().splitlines()
    except OSError:
        return ()
    return tuple(mount for line in lines if (mount := _parsed(line)) is not None)


def mount_of(path: Path, mounts: Iterable[Mount]) -> Mount | None:
    """Return the mount that a path without links lies on: the longest one, of those at one place the last."""
    found: Mount | None = None
    for mount in mounts:
        if path.is_relative_to(mount.point) and (found is None or len(mount.point.parts) >= len(found.point.parts)):
            found = mount
    return found


def _parsed(line: bytes) -> Mount | None:
    """Return the mount of a line: ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS...] - TYPE SOURCE OPTIONS."""
    before, separator, after = line.partition(b" - ")
    words = before.split(b" ")
    if not separator or len(words) < 6:
        return None
    return Mount(_text(words[2]), Path(_text(words[3])), Path(_text(words[4])), _text(after.split(b" ")[0]))


def _text(word: bytes) -> str:
    """Return a word without the escapes that the kernel writes for blanks, line ends and backslashes."""
    return os.fsdecode(ESCAPE.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), word))
