"""What a report may hold: from the bytes of a request to a typed report, or to what is wrong with it.

The bounds are promised to agents (`docs/openapi.json`). pydantic alone is too generous for them ("4_2" is 42, true
is 1) and its errors carry the input, so the number rules stand here and errors leave without input.
"""

import json
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from store.models import MountUsage, Report
from store.rejections import fingerprint

MAX_ERRORS = 5
"""Fields that a refusal names at most."""

MAX_MOUNTS = 512
MAX_COUNTER = 2**63 - 1
MAX_MEMORY_MB = 2**53
MAX_LOAD = 1e6

_BOM = b"\xef\xbb\xbf"
_MAX_DIGITS = 40
_DECIMAL = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)")
_INTEGER = re.compile(r"(-?[0-9]+)(?:\.0+)?")
_NO_NUL = r"^[^\x00]*$"

_WORDING = {
    "missing": "Field required",
    "dict_type": "Input should be an object",
    "model_type": "Input should be an object",
    "list_type": "Input should be an array",
    "string_pattern_mismatch": "Input holds characters that are not allowed",
    "string_unicode": "Input holds lone surrogates",
}
"""Our words where pydantic's name Python types or patterns; its others ("Field required") echo nothing."""


class SchemaError(ValueError):
    """A body that is no valid report.

    `str()` is one line for people; `errors` maps the paths of at most `MAX_ERRORS` fields
    (`disk_usage.0.mount`) to what is wrong with them, and is empty if the body is no JSON object at all.
    Neither repeats anything of the input; `fingerprint` stands for the agent key, if that is sound.
    """

    def __init__(self, message: str, errors: dict[str, list[str]] | None = None, fingerprint: str = "") -> None:
        super().__init__(message)
        self.errors = errors or {}
        self.fingerprint = fingerprint


def _number(value: Any) -> Any:
    """Turn a plain decimal string into its number, -0.0 into 0.0; leave the rest for pydantic to refuse."""
    if type(value) is float:
        return value + 0.0
    if type(value) is str and len(value) <= _MAX_DIGITS and _DECIMAL.fullmatch(value):
        return float(value) + 0.0
    return value


def _integer(value: Any) -> Any:
    """Turn an integral float or plain decimal string into its integer."""
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is str and len(value) <= _MAX_DIGITS and (match := _INTEGER.fullmatch(value)):
        return int(match[1])
    return value


def _blank_as_none(value: Any) -> Any:
    return None if value == "" else value


def _maybe_number(value: Any) -> Any:
    return None if value == "" else _number(value)


def _maybe_integer(value: Any) -> Any:
    return None if value == "" else _integer(value)


def _few_items(value: Any) -> Any:
    """Refuse a long list before each of its items is looked at."""
    if type(value) is list and len(value) > MAX_MOUNTS:
        raise PydanticCustomError("too_long", f"Array should have at most {MAX_MOUNTS} items")
    return value


_StrictPercent = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]
_StrictLoad = Annotated[float, Field(strict=True, ge=0, le=MAX_LOAD, allow_inf_nan=False)]
_StrictCounter = Annotated[int, Field(strict=True, ge=0, le=MAX_COUNTER)]
_Size = Annotated[str, Field(strict=True, max_length=32, pattern=_NO_NUL)]
_Fact = Annotated[str, Field(strict=True, max_length=255, pattern=_NO_NUL)]

_StrictMegabytes = Annotated[int, Field(strict=True, ge=0, le=MAX_MEMORY_MB)]


def _text(pattern: str) -> Any:
    """Return what the JSON schema says of numbers in strings: those of so many digits are surely within bounds."""
    return Annotated[str, Field(pattern=f"^{pattern}$", max_length=_MAX_DIGITS)]


_PercentText = _text(r"(?:[0-9]{0,2}\.[0-9]+|[0-9]{1,2}|100(?:\.0+)?)")
_LoadText = _text(r"(?:[0-9]{0,6}\.[0-9]+|[0-9]{1,6})")
_MegabytesText = _text(r"[0-9]{1,15}(?:\.0+)?")
_CounterText = _text(r"[0-9]{1,18}(?:\.0+)?")
_Blank = Literal[""] | None


def _reading(read: Callable[[Any], Any], takes: Any) -> BeforeValidator:
    """Return what makes a value of one that agents send; `takes` is the latter's type, for the JSON schema."""
    return BeforeValidator(read, json_schema_input_type=takes)


Percent = Annotated[_StrictPercent, _reading(_number, _StrictPercent | _PercentText)]
MaybePercent = Annotated[_StrictPercent | None, _reading(_maybe_number, _StrictPercent | _PercentText | _Blank)]
MaybeLoad = Annotated[_StrictLoad | None, _reading(_maybe_number, _StrictLoad | _LoadText | _Blank)]
MaybeCounter = Annotated[_StrictCounter | None, _reading(_maybe_integer, _StrictCounter | _CounterText | _Blank)]
MaybeSize = Annotated[_Size | None, BeforeValidator(_blank_as_none)]
MaybeFact = Annotated[_Fact | None, BeforeValidator(_blank_as_none)]
Megabytes = Annotated[_StrictMegabytes, _reading(_integer, _StrictMegabytes | _MegabytesText)]
MountPath = Annotated[str, Field(strict=True, min_length=1, max_length=1024, pattern=_NO_NUL)]
AgentKey = Annotated[str, Field(strict=True, min_length=1, max_length=128, pattern="^[!-~]*$")]


class MountBody(BaseModel):
    """A mounted file system. Of a mount that stands twice in a report the last one counts."""

    mount: MountPath
    usage: Percent
    size: MaybeSize = None
    used: MaybeSize = None
    avail: MaybeSize = None


Mounts = Annotated[list[MountBody], _reading(_few_items, Annotated[list[MountBody], Field(max_length=MAX_MOUNTS)])]


class ReportBody(BaseModel):
    """How a server is now. Null or "" in an optional field means absent; unknown fields are ignored."""

    agent_key: AgentKey
    cpu_usage: Percent
    cpu_iowait: MaybePercent = None
    memory_usage: Percent
    memory_total_mb: Megabytes
    swap_usage: MaybePercent = None
    disk_usage: Mounts
    network_rx_bytes: MaybeCounter = None
    network_tx_bytes: MaybeCounter = None
    load_1m: MaybeLoad = None
    load_5m: MaybeLoad = None
    load_15m: MaybeLoad = None
    os: MaybeFact = None
    hostname: MaybeFact = None
    kernel: MaybeFact = None


def _bounded_int(digits: str) -> int | float:
    """Read an integer literal; one beyond all bounds is infinite, since its digits cost quadratic time."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float("inf")


_DECODER = json.JSONDecoder(parse_int=_bounded_int)
"""The standard library's, not pydantic's own: that one refuses bodies for what unknown fields hold."""


def _parse_json(body: bytes) -> dict[str, Any]:
    """Read a body as a JSON object, or raise SchemaError."""
    text = body.removeprefix(_BOM)
    if not text.strip():
        raise SchemaError("The body is empty")
    try:
        value = _DECODER.decode(text.decode())
    except UnicodeDecodeError:
        raise SchemaError("The body is not UTF-8") from None
    except RecursionError:
        raise SchemaError("The body is nested too deeply") from None
    except ValueError:
        raise SchemaError("The body is not JSON") from None
    if type(value) is not dict:
        raise SchemaError("The body is not a JSON object")
    return value


def _named_errors(details: list[ErrorDetails]) -> dict[str, list[str]]:
    """Group messages by field path, for the first `MAX_ERRORS` fields."""
    named: dict[str, list[str]] = {}
    for detail in details:
        path = ".".join(map(str, detail["loc"]))
        if path in named or len(named) < MAX_ERRORS:
            named.setdefault(path, []).append(_WORDING.get(detail["type"], detail["msg"]))
    return named


def _explain(error: ValidationError, body: dict[str, Any]) -> SchemaError:
    errors = _named_errors(error.errors(include_input=False, include_url=False, include_context=False))
    if "agent_key" in errors:
        return SchemaError("Invalid agent key", errors)
    path, messages = next(iter(errors.items()))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return SchemaError(f"Invalid report: {path}: {messages[0]}{more}", errors, fingerprint(body["agent_key"]))


def _to_mounts(items: list[MountBody]) -> tuple[MountUsage, ...]:
    """Convert the disks; of a mount that stands twice the last one counts, in the place of the first."""
    mounts = {item.mount: MountUsage(item.mount, item.usage, item.size, item.used, item.avail) for item in items}
    return tuple(mounts.values())


def parse_report(body: bytes) -> tuple[str, Report]:
    """Return the agent key and the report that `body` holds; raise SchemaError if it holds none."""
    parsed = _parse_json(body)
    try:
        fields = vars(ReportBody.model_validate(parsed))
    except ValidationError as error:
        raise _explain(error, parsed) from None
    agent_key: str = fields.pop("agent_key")
    fields["disk_usage"] = _to_mounts(fields["disk_usage"])
    return agent_key, Report(**fields)
