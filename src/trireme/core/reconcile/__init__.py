"""What the operator does next for one cluster: ``decide(view)``, a pure function of one immutable picture."""
