"""What a kind's fields are: types, defaults, how lists merge, and what the sandbox makes of each. No I/O but loading."""
