"""What the OpenAPI description says of every operation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

from leaderboard.api.permissions import SignedIn, scope_of

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


class Described(AutoSchema):
    """Tells of each operation, as `x-token-scope`, the least scope of a token that it takes."""

    def get_operation(self, *given: Any, **named: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*given, **named)
        asks = [one for one in self.view.get_permissions() if isinstance(one, SignedIn)]
        if operation and asks:
            operation["x-token-scope"] = scope_of(self.view, self.method).value
        return operation
