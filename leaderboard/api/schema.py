"""What the OpenAPI description says of every operation."""

from typing import Any

ERROR = {
    "type": "object",
    "description": "Any refusal or error.",
    "properties": {
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string", "description": "What to do, for people."},
        "fields": {"type": "object", "description": "With code `invalid`: what is wrong where."},
    },
    "required": ["code", "detail"],
}


def add_errors(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Every operation may answer with an error, always of the same shape."""
    result["components"]["schemas"]["Error"] = ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"]["default"] = {"description": "An error.", "content": content}
    return result
