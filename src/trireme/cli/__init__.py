"""The commands a person types. Words in, adapters and pure functions between, words out."""
