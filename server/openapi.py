"""The OpenAPI document of the report API, made from the schema and the answers that the receiver uses.

`python -m server.openapi` in a checkout prints what belongs in docs/openapi.json.
"""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from agent.scripts import SCRIPTS
from server import receiver_answers as answers
from server.receiver import HEALTH_PATH, REPORT_PATH
from server.receiver_answers import Answer
from server.schema import MAX_ERRORS, ReportBody

SCHEMAS = "#/components/schemas"

EXAMPLE = {
    "agent_key": "amk_0123456789abcdefghijklmnopqrstuvwxyzABCD",
    "cpu_usage": 23.5,
    "cpu_iowait": 1.2,
    "memory_usage": 67.4,
    "memory_total_mb": 8192,
    "swap_usage": 5.0,
    "disk_usage": [{"mount": "/", "usage": 45.0, "size": "50G", "used": "22G", "avail": "28G"}],
    "network_rx_bytes": 1234567890,
    "network_tx_bytes": 987654321,
    "load_1m": 0.5,
    "load_5m": 0.3,
    "load_15m": 0.2,
    "os": "Debian GNU/Linux 12 (bookworm)",
    "hostname": "web-1",
    "kernel": "6.1.0-18-amd64",
}

TAKEN = "The report is committed and synced to disk."
REFUSALS = (
    (answers.BROKEN_HTTP, "Broken HTTP framing, or a body that ended early."),
    (answers.UNKNOWN_KEY, "The report is well formed, and its key belongs to no monitor."),
    (answers.POST_ONLY, "Another method on this path."),
    (answers.BODY_LATE, "The request did not arrive in time."),
    (answers.TOO_LARGE, "The body is larger than 256 KiB, chunked or not."),
    (answers.ENCODED, "The request has a Content-Encoding."),
    (
        answers.invalid_report("Invalid report: cpu_usage: Field required", {"cpu_usage": ["Field required"]}),
        "The key is malformed, or a field is missing or out of bounds; `errors` names the first few.",
    ),
    (
        answers.too_many("Too many reports with this agent key", 1),
        "One key sends too many reports, or this address too many unknown keys.",
    ),
    (answers.UNAVAILABLE, "The store takes nothing now, or there are too many connections."),
)
"""What a report may be answered but 200, and when."""

HEADERS: dict[str, dict[str, Any]] = {
    "Allow": {"description": "The methods that this path takes.", "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Come again after so many seconds.",
        "schema": {"type": "integer", "minimum": 1},
    },
}


class _Terse(GenerateJsonSchema):
    """JSON schema without titles, which only repeat names, and without the defaults of what is absent."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return that it should not."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return what may stand there."""
        return self.generate_inner(schema["schema"])


def document() -> dict[str, Any]:
    """Return the document, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "agentmon report API",
            "version": "1",
            "description": "What agents say to a receiver of agentmon. See api.md for how to write one.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            REPORT_PATH: {"post": _report()},
            HEALTH_PATH: _getting("health", "Whether the store takes writes.", _health()),
            **{f"/{name}": _getting(name, f"The agent script {name}.", _script()) for name in sorted(SCRIPTS)},
        },
        "components": {"schemas": _schemas()},
    }


def text() -> str:
    """Return the document as it stands in docs/openapi.json."""
    return json.dumps(document(), indent=2) + "\n"


def _schemas() -> dict[str, Any]:
    report = ReportBody.model_json_schema(ref_template=f"{SCHEMAS}/{{model}}", schema_generator=_Terse)
    models = {**report.pop("$defs"), "Report": report | {"examples": [EXAMPLE]}}
    for model in models.values():
        del model["title"]
    words = {"type": "string", "minLength": 1}
    errors = {
        "type": "object",
        "description": f"At most {MAX_ERRORS} fields by their path (`disk_usage.0.mount`), and what is wrong.",
        "maxProperties": MAX_ERRORS,
        "additionalProperties": {"type": "array", "minItems": 1, "items": words},
    }
    return {
        **models,
        "Ok": _object(status={"const": "ok"}),
        "Error": _object(status={"const": "error"}, message=words),
        "Invalid": _object(status={"const": "error"}, message=words, errors=errors),
    }


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _report() -> dict[str, Any]:
    content = {answers.JSON: {"schema": {"$ref": f"{SCHEMAS}/Report"}}}
    return {
        "operationId": "report",
        "summary": "Send a report.",
        "requestBody": {"required": True, "content": content},
        "responses": dict([_answered(answers.OK, TAKEN), *(_answered(*each) for each in REFUSALS)]),
    }


def _health() -> dict[str, Any]:
    failing = "It does not."
    return dict([_answered(answers.OK, "It does."), _answered(answers.UNAVAILABLE, failing)])


def _script() -> dict[str, Any]:
    content = {answers.PLAIN_TEXT: {"schema": {"type": "string", "minLength": 1}}}
    return {"200": {"description": "The script, without any secret.", "content": content}}


def _getting(name: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    """Return a path that is only read."""
    heads = {status: {"description": each["description"]} for status, each in responses.items()}
    return {
        "get": {"operationId": f"get {name}", "summary": summary, "responses": responses},
        "head": {"operationId": f"head {name}", "summary": summary, "responses": heads},
    }


def _answered(answer: Answer, description: str) -> tuple[str, dict[str, Any]]:
    """Return the status of an answer and what the document says of it."""
    example = json.loads(answer.body)
    kind = "Ok" if answer is answers.OK else "Invalid" if "errors" in example else "Error"
    content = {answers.JSON: {"schema": {"$ref": f"{SCHEMAS}/{kind}"}, "example": example}}
    headers = {name: HEADERS[name] | {"required": True} for name in (line.split(":")[0] for line in answer.headers)}
    said = {"description": description, "content": content}
    return str(answer.status), said | ({"headers": headers} if headers else {})


if __name__ == "__main__":
    print(text(), end="")
