"""The zygote of `exploited` with children that do not lock themselves in, so attempts succeed."""

from typing import Any

from scoring.sandbox import zygote
from tests.scoring import exploited


def serve_unlocked(*arguments: Any) -> None:
    from scoring.sandbox import child

    child.lock = lambda *_: (1, True)
    exploited.serve_exploits(*arguments)


if __name__ == "__main__":
    zygote.serve = serve_unlocked  # type: ignore[assignment]
    zygote.main()
