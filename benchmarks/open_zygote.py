"""The zygote without the sandbox, which `benchmarks.sandbox` compares with the real one.

It runs models of the benchmark alone.
"""

from typing import Any

from scoring.sandbox import lockdown, zygote

serve = zygote.serve


def serve_open(*arguments: Any) -> None:
    from scoring.sandbox import child

    child.lock = lambda *_: (1, True)
    serve(*arguments)


if __name__ == "__main__":
    lockdown.landlock = lambda rules=(): 1
    lockdown.separate = lambda: False
    lockdown.keep_privileges_down = lambda: None
    zygote.serve = serve_open  # type: ignore[assignment]
    zygote.main()
