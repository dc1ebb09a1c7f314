"""Each view parses the request, calls one service and shows the result."""
