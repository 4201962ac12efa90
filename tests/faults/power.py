"""Power cuts, replayed: what a disk may hold of a traced process's writes if the power fails at some moment.

The disk is as unkind as POSIX allows. A write is on it once a sync of that file has begun after it and ended; a name
in a folder once a sync of that folder has. What came later is there or not, in any order, torn at sectors.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from random import Random

TRACED = "openat,mkdir,unlink,rename,ftruncate,pwrite64,fsync,fdatasync,read,recvfrom,write,writev,sendto,sendmsg"
TRACER = (
    *("-f", "--seccomp-bpf", "-qq", "-y", "-xx", "-s", "70000", "-e", "signal=none"),
    *("-e", f"trace={TRACED}"),
)
"""What strace is to be told for `events`: all strings whole and in hexadecimal."""

SECTOR, PAGE = 512, 4096
HERE = PurePath()

CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")
UNFINISHED = " <unfinished ...>"
SUCCESS = re.compile(r"= (\d+)(?:<[^>]*>)?$")
DESCRIPTOR = re.compile(r"^\d+<([^>]*)>")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
OFFSET = re.compile(r", (\d+)\) += \d+$|, (\d+)$")


@dataclass(frozen=True, slots=True)
class Wrote:
    """Bytes were handed to the kernel for a place in a file."""

    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """A file was cut or extended to a size."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Named:
    """A file or folder came to be at a path, if there was none."""

    path: str
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Removed:
    """A file's name was taken away."""

    path: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """A file got another name, and took it from whatever had it."""

    path: str
    to: str


@dataclass(frozen=True, slots=True)
class Synced:
    """A sync of a file or folder ended well; `since` is how many events there were when it began."""

    path: str
    since: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A sender was told that its report is safe; `number` is that of the report."""

    number: int


Event = Wrote | Resized | Named | Removed | Renamed | Synced | Answered


def text_of(escaped: str) -> bytes:
    """Return the bytes that strace wrote as `\\x2f\\x74`."""
    return bytes.fromhex(escaped.replace("\\x", ""))


@dataclass
class Reading:
    """A trace as it is read, line by line, into `events`; `number` finds a report's number in a request."""

    number: "re.Pattern[bytes]"
    events: list[Event] = field(default_factory=list)
    _begun: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    _asked: dict[str, bytes] = field(default_factory=dict)

    def line(self, line: str) -> None:
        """Take one line; what goes out counts where its call begins, all else where that ends."""
        if match := CALL.match(line):
            pid, name, rest = match.groups()
            if rest.endswith(UNFINISHED):
                rest = rest.removesuffix(UNFINISHED)
                self._begun[pid] = name, rest, len(self.events)
                self._begins(name, rest)
                return
            since = len(self.events)
            self._begins(name, rest)
            self._ends(name, rest, since)
        elif (match := RESUMED.match(line)) and (begun := self._begun.pop(match[1], None)):
            name, rest, since = begun
            self._ends(name, rest + match[2], since)

    def _begins(self, name: str, rest: str) -> None:
        match = DESCRIPTOR.match(rest)
        if match is None:
            return
        if name == "pwrite64":
            offset = OFFSET.search(rest)
            data = STRING.search(rest)
            assert offset is not None and data is not None
            self.events.append(Wrote(path_of(match[1]), int(offset[1] or offset[2]), text_of(data[1])))
        elif name in ("write", "writev", "sendto", "sendmsg"):
            self._answers(match[1], b"".join(text_of(part) for part in STRING.findall(rest)))

    def _answers(self, descriptor: str, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 200") and (found := self.number.findall(self._asked.pop(descriptor, b""))):
            self.events.append(Answered(int(found[-1])))

    def _ends(self, name: str, rest: str, since: int) -> None:
        if not SUCCESS.search(rest):
            return
        match = DESCRIPTOR.match(rest)
        if name in ("read", "recvfrom") and match is not None:
            said = b"".join(text_of(part) for part in STRING.findall(rest))
            self._asked[match[1]] = self._asked.get(match[1], b"") + said
        elif name in ("fsync", "fdatasync") and match is not None:
            self.events.append(Synced(path_of(match[1]), since))
        elif name == "ftruncate" and match is not None:
            self.events.append(Resized(path_of(match[1]), int(rest.split(", ")[1].split(")")[0])))
        elif name in ("openat", "mkdir", "unlink", "rename"):
            self._names(name, rest, *(text_of(path).decode() for path in STRING.findall(rest)))

    def _names(self, name: str, rest: str, path: str, to: str = "") -> None:
        if name == "unlink":
            self.events.append(Removed(path))
        elif name == "rename":
            self.events.append(Renamed(path, to))
        elif name == "mkdir" or "O_CREAT" in rest:
            self.events.append(Named(path, is_folder=name == "mkdir"))


def path_of(descriptor: str) -> str:
    """Return what strace says that a descriptor is."""
    return text_of(descriptor).decode(errors="replace") if "\\x" in descriptor else descriptor


def read_trace(lines: Iterable[str], number: "re.Pattern[bytes]") -> list[Event]:
    """Return what happened, in order."""
    reading = Reading(number)
    for line in lines:
        reading.line(line.rstrip("\n"))
    return reading.events


def without_syncs(events: Sequence[Event], is_left_out: Callable[[str], bool]) -> list[Event]:
    """Return what would have happened had some files not been synced."""
    # What syncs count from stays as it is: they are replaced by something that does nothing.
    return [
        replace(event, since=0) if isinstance(event, Synced) and is_left_out(event.path) else event for event in events
    ]


@dataclass
class File:
    """What is surely on the disk, and what may be, with the event that brought it."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, Wrote | Resized]] = field(default_factory=list)


@dataclass
class Folder:
    """Names that surely are on the disk, and changes of names that may be."""

    safe: dict[str, "File | Folder"] = field(default_factory=dict)
    pending: list[tuple[int, str, "File | Folder | None"]] = field(default_factory=list)

    def now(self) -> "dict[str, File | Folder]":
        """Return the names as running processes see them."""
        return self.after(len(self.pending))

    def after(self, changes: int) -> "dict[str, File | Folder]":
        """Return the names with the first pending changes made."""
        names = dict(self.safe)
        for _, name, inode in self.pending[:changes]:
            if inode is None:
                names.pop(name, None)
            else:
                names[name] = inode
        return names


class Disk:
    """A disk below a folder that was there before; events are to be played in order."""

    def __init__(self, root: str) -> None:
        """Begin with an empty folder."""
        self._root = PurePath(root)
        self.top = Folder()
        self.answered: set[int] = set()
        self._at = 0

    def play(self, event: Event) -> None:
        """Let one thing happen."""
        if isinstance(event, Answered):
            self.answered.add(event.number)
        elif isinstance(event, Synced):
            self._sync(event)
        elif isinstance(event, Renamed):
            self._name(event.to, self._find(event.path))
            self._name(event.path, None)
        elif isinstance(event, Removed):
            self._name(event.path, None)
        elif isinstance(event, Named):
            if self._find(event.path) is None:
                self._name(event.path, Folder() if event.is_folder else File())
        elif isinstance(inode := self._find(event.path), File):
            inode.pending.append((self._at, event))
        self._at += 1

    def _find(self, path: str) -> File | Folder | None:
        place = PurePath(path)
        if place == self._root:
            return self.top
        above = self._find(str(place.parent)) if self._root in place.parents else None
        return above.now().get(place.name) if isinstance(above, Folder) else None

    def _name(self, path: str, inode: File | Folder | None) -> None:
        place = PurePath(path)
        folder = self._find(str(place.parent))
        if isinstance(folder, Folder):
            folder.pending.append((self._at, place.name, inode))

    def _sync(self, event: Synced) -> None:
        inode = self._find(event.path)
        if isinstance(inode, File):
            for at, change in inode.pending:
                if at < event.since:
                    apply(inode.safe, change)
            inode.pending = [each for each in inode.pending if each[0] >= event.since]
        elif isinstance(inode, Folder):
            done = sum(1 for at, _, _ in inode.pending if at < event.since)
            inode.safe, inode.pending = inode.after(done), inode.pending[done:]


def apply(content: bytearray, change: Wrote | Resized) -> None:
    """Make a change of a file; what lies between its end and a write beyond is zeros."""
    size = change.size if isinstance(change, Resized) else max(len(content), change.offset + len(change.data))
    content.extend(bytes(max(0, size - len(content))))
    if isinstance(change, Resized):
        del content[size:]
    else:
        content[change.offset : change.offset + len(change.data)] = change.data


def nothing_more(content: bytearray, pending: Sequence[Wrote | Resized], random: Random) -> None:
    """Lose all that was not synced."""


def everything(content: bytearray, pending: Sequence[Wrote | Resized], random: Random) -> None:
    """Keep all, as if nothing but the process had died."""
    for change in pending:
        apply(content, change)


def torn(content: bytearray, pending: Sequence[Wrote | Resized], random: Random) -> None:
    """Keep some of it, in any order, and of some writes only some sectors or pages."""
    for change in random.sample(pending, random.randint(0, len(pending))):
        if isinstance(change, Resized):
            apply(content, change)
            continue
        unit, share = random.choice((SECTOR, PAGE)), random.choice((0.5, 0.9, 1.0))
        for part in parts(change, unit):
            if random.random() < share:
                apply(content, part)


def parts(change: Wrote, unit: int) -> Iterator[Wrote]:
    """Return a write as the writes of single sectors."""
    at, end = change.offset, change.offset + len(change.data)
    while at < end:
        stop = min(end, (at // unit + 1) * unit)
        yield Wrote(change.path, at, change.data[at - change.offset : stop - change.offset])
        at = stop


Fate = Callable[[bytearray, Sequence[Wrote | Resized], Random], None]
FATES: tuple[Fate, ...] = (nothing_more, everything, torn)
"""What may become of what was not synced."""


def after_the_cut(folder: Folder, fate: Fate, random: Random, under: PurePath = HERE) -> dict[PurePath, bytes]:
    """Return the files that are found when the power is back."""
    count = len(folder.pending)
    changes = 0 if fate is nothing_more else count if fate is everything else random.randint(0, count)
    found: dict[PurePath, bytes] = {}
    for name, inode in folder.after(changes).items():
        if isinstance(inode, Folder):
            found |= after_the_cut(inode, fate, random, under / name)
        else:
            content = bytearray(inode.safe)
            fate(content, [change for _, change in inode.pending], random)
            found[under / name] = bytes(content)
    return found
