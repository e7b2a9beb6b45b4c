"""Where the arbitrator's process begins: on the same diet as the agent's, before anything heavy is imported."""

from trireme.agent.diet import go_on_diet


def main(arguments: list[str]) -> int:
    """``trireme arbitrator``. Returns the exit status."""
    go_on_diet()
    from trireme.agent.arbitrator import main as run  # noqa: PLC0415

    return run(arguments)
