"""Each view parses, calls one service and shows what came of it."""
