"""How good the answers of a model are."""
